/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets: who began, accepted or inherited a connection, and its end.
 *
 * inet_sock_set_state fires in whatever context moves the state, so `current`
 * is the actor only at →SYN_SENT. The owner is remembered there and looked up
 * by socket later.
 *
 * No tracepoint but those of system calls tells of accept, and they slow down
 * every call of every program by a third of the time it takes to enter the
 * kernel. So a connection that came in belongs to nobody until a process asks
 * for its peer (accept with an address does, getpeername) or reads from it.
 */
#ifndef FIM_BPF_NETWORK_H
#define FIM_BPF_NETWORK_H

#include "fim/bpf/common.h"

struct owner {
	u64 start_ns;
	u32 pid;
	u8 ingress;
	u8 ended; /* DISCONNECT was sent */
	u16 flags;
};

/* Deleted when the socket closes; LRU in case the kernel forgets to say. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, u64); /* address of the struct sock */
	__type(value, struct owner);
} owners SEC(".maps");

/* On a socket that was connected from outside: nobody's yet. A lookup on other
 * sockets, which have none, costs next to nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u8);
} unclaimed SEC(".maps");

/* Where datagrams went before: one event a process, socket and destination. */
struct flow {
	u64 cookie;
	u32 tgid;
	u16 port, family;
	u32 remote[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct flow);
	__type(value, u8);
} flows SEC(".maps");

/* ::ffff:a.b.c.d becomes a.b.c.d, at both ends. */
static __always_inline void
sock_unmap(struct wire_sock *w)
{
	const u32 *a = (const u32 *)w->remote;

	if (w->family != AF_INET6 || a[0] != 0 || a[1] != 0 ||
	    a[2] != __builtin_bswap32(0xffff))
		return;
	w->family = AF_INET;
	__builtin_memcpy(w->remote, w->remote + 12, 4);
	__builtin_memset(w->remote + 4, 0, 12);
	__builtin_memcpy(w->local, w->local + 12, 4);
	__builtin_memset(w->local + 4, 0, 12);
}

/* `w` comes zeroed. False if it is no inet socket. */
static __always_inline bool
sock_fill(struct wire_sock *w, struct sock *sk)
{
	w->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (w->family != AF_INET && w->family != AF_INET6)
		return false;
	w->proto = (u8)BPF_CORE_READ(sk, sk_protocol);
	/* Not skc_num: that is already 0 when the state becomes CLOSE. */
	w->local_port = __builtin_bswap16(
		BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	w->remote_port =
		__builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	w->cookie = (u64)BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	if (w->family == AF_INET6) {
		BPF_CORE_READ_INTO(&w->remote, sk, __sk_common.skc_v6_daddr);
		BPF_CORE_READ_INTO(&w->local, sk, __sk_common.skc_v6_rcv_saddr);
		sock_unmap(w);
	} else {
		*(u32 *)w->remote = BPF_CORE_READ(sk, __sk_common.skc_daddr);
		*(u32 *)w->local = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
	}
	return true;
}

/* The struct sock behind a struct file, or 0. */
static __always_inline u64
file_sock(struct file *file)
{
	struct socket *socket;

	if (file == NULL ||
	    (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	return (u64)BPF_CORE_READ(socket, sk);
}

/* Descriptors 0–2 at exec: which files, which are sockets, and the connected
 * ones. */
static __always_inline u32
exec_stdio(struct task_struct *p, struct wire_sock *socks, u64 *inodes)
{
	struct file *files[3] = {};
	u32 mask = 0;

	__builtin_memset(socks, 0, 3 * sizeof(*socks));
	bpf_probe_read_kernel(files, sizeof(files), p->files->fdt->fd);
	for (int i = 0; i < 3; i++) {
		struct sock *sk = (void *)file_sock(files[i]);
		struct owner *owner;
		u64 key = (u64)sk;
		u8 state;

		inodes[i] =
			files[i] ? BPF_CORE_READ(files[i], f_inode, i_ino) : 0;
		if (sk == NULL)
			continue;
		mask |= 1u << i;
		state = BPF_CORE_READ(sk, __sk_common.skc_state);
		if (!sock_fill(&socks[i], sk) || socks[i].remote_port == 0 ||
		    state == TCP_CLOSE || state == TCP_LISTEN ||
		    (socks[i].proto != IPPROTO_TCP &&
		     socks[i].proto != IPPROTO_UDP))
			socks[i].family = 0;
		owner = bpf_map_lookup_elem(&owners, &key);
		if (owner != NULL)
			socks[i].ingress = owner->ingress;
	}
	return mask;
}

static __always_inline void
net_put(struct wire_net *w, u32 act)
{
	w->act = act;
	w->pad = 0;
	ring_put(w, sizeof(*w));
}

static __always_inline void
own(u64 sk, const struct wire_net *w)
{
	struct owner owner = {
		.start_ns = w->head.start_ns,
		.pid = w->head.pid,
		.ingress = w->sock.ingress,
	};

	bpf_map_update_elem(&owners, &sk, &owner, BPF_ANY);
}

static __always_inline void
on_syn_sent(struct sock *sk)
{
	struct wire_net w = {};

	if (!head_fill(&w.head, WIRE_NET, bpf_get_current_task_btf()) ||
	    !sock_fill(&w.sock, sk))
		return;
	proc_fill(&w.head, &w.proc, bpf_get_current_task_btf());
	w.sock.cookie = bpf_get_socket_cookie(sk);
	own((u64)sk, &w);
	net_put(&w, WIRE_CONNECT);
}

static __always_inline void
on_ended(struct sock *sk, struct owner *owner)
{
	struct wire_net w = {};

	if (owner->pid == 0 || owner->ended || !sock_fill(&w.sock, sk))
		return;
	owner->ended = 1;
	w.head.kind = WIRE_NET;
	w.head.lost = (u32)lost;
	w.head.time_ns = bpf_ktime_get_boot_ns();
	w.head.pid = owner->pid;
	w.head.start_ns = owner->start_ns;
	w.sock.ingress = owner->ingress;
	net_put(&w, WIRE_DISCONNECT);
}

SEC("tp_btf/inet_sock_set_state")
int
BPF_PROG(on_sock_state, struct sock *sk, int before, int after)
{
	struct owner *owner;
	u64 key = (u64)sk;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	if (after == TCP_SYN_SENT) {
		on_syn_sent(sk);
		return 0;
	}
	if (before == TCP_SYN_RECV && after == TCP_ESTABLISHED) {
		struct owner nobody = { .ingress = 1 };

		bpf_get_socket_cookie(sk);
		bpf_map_update_elem(&owners, &key, &nobody, BPF_ANY);
		bpf_sk_storage_get(&unclaimed, sk, NULL,
				   BPF_SK_STORAGE_GET_F_CREATE);
	}
	if (after != TCP_CLOSE_WAIT && after != TCP_CLOSE)
		return 0;
	owner = bpf_map_lookup_elem(&owners, &key);
	if (owner == NULL)
		return 0;
	/* A connection that never was has no end. */
	if (before != TCP_SYN_SENT)
		on_ended(sk, owner);
	if (after == TCP_CLOSE)
		bpf_map_delete_elem(&owners, &key);
	return 0;
}

/* The current process accepted `sk`. */
static __always_inline void
accepted(u64 sk)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct wire_net w = {};

	if (!sock_fill(&w.sock, (void *)sk) ||
	    !head_fill(&w.head, WIRE_NET, task))
		return;
	proc_fill(&w.head, &w.proc, task);
	w.sock.ingress = 1;
	own(sk, &w);
	net_put(&w, WIRE_ACCEPT);
}

SEC("tp_btf/tcp_rcv_space_adjust")
int
BPF_PROG(on_tcp_read, struct sock *sk)
{
	if (bpf_sk_storage_get(&unclaimed, sk, NULL, 0) == NULL)
		return 0;
	bpf_sk_storage_delete(&unclaimed, sk);
	accepted((u64)sk);
	return 0;
}

static __always_inline int
peer_asked(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	u64 address;

	if (sk == NULL || ctx->protocol != IPPROTO_TCP ||
	    bpf_sk_storage_get(&unclaimed, sk, NULL, 0) == NULL)
		return 1;
	bpf_sk_storage_delete(&unclaimed, sk);
	/* The pointer as a number: the verifier computes with no other. */
	if (bpf_probe_read_kernel(&address, sizeof(address), &sk) == 0)
		accepted(address);
	return 1;
}

SEC("cgroup/getpeername4")
int
on_peer4(struct bpf_sock_addr *ctx)
{
	return peer_asked(ctx);
}

SEC("cgroup/getpeername6")
int
on_peer6(struct bpf_sock_addr *ctx)
{
	return peer_asked(ctx);
}

/* ---- datagrams ------------------------------------------------------- */

static __always_inline void
datagram(struct bpf_sock_addr *ctx, struct wire_net *w)
{
	struct flow flow = {};
	u8 one = 1;

	w->sock.remote_port = __builtin_bswap16((u16)ctx->user_port);
	if (w->sock.remote_port == 0)
		return;
	w->sock.proto = IPPROTO_UDP;
	w->sock.cookie = bpf_get_socket_cookie(ctx);
	sock_unmap(&w->sock);
	flow.cookie = w->sock.cookie;
	flow.tgid = (u32)(bpf_get_current_pid_tgid() >> 32);
	flow.port = w->sock.remote_port;
	flow.family = w->sock.family;
	__builtin_memcpy(flow.remote, w->sock.remote, sizeof(flow.remote));
	if (bpf_map_lookup_elem(&flows, &flow) != NULL ||
	    !head_fill(&w->head, WIRE_NET, bpf_get_current_task_btf()))
		return;
	proc_fill(&w->head, &w->proc, bpf_get_current_task_btf());
	bpf_map_update_elem(&flows, &flow, &one, BPF_ANY);
	net_put(w, WIRE_CONNECT);
}

static __always_inline int
datagram4(struct bpf_sock_addr *ctx)
{
	struct wire_net w = {};

	if (ctx->protocol != IPPROTO_UDP)
		return 1;
	w.sock.family = AF_INET;
	*(u32 *)w.sock.remote = ctx->user_ip4;
	if (ctx->sk != NULL) {
		*(u32 *)w.sock.local = ctx->sk->src_ip4;
		w.sock.local_port = (u16)ctx->sk->src_port;
	}
	datagram(ctx, &w);
	return 1;
}

static __always_inline int
datagram6(struct bpf_sock_addr *ctx)
{
	struct wire_net w = {};
	u32 *remote = (u32 *)w.sock.remote, *local = (u32 *)w.sock.local;

	if (ctx->protocol != IPPROTO_UDP)
		return 1;
	w.sock.family = AF_INET6;
	remote[0] = ctx->user_ip6[0];
	remote[1] = ctx->user_ip6[1];
	remote[2] = ctx->user_ip6[2];
	remote[3] = ctx->user_ip6[3];
	if (ctx->sk != NULL) {
		local[0] = ctx->sk->src_ip6[0];
		local[1] = ctx->sk->src_ip6[1];
		local[2] = ctx->sk->src_ip6[2];
		local[3] = ctx->sk->src_ip6[3];
		w.sock.local_port = (u16)ctx->sk->src_port;
	}
	datagram(ctx, &w);
	return 1;
}

SEC("cgroup/connect4")
int
on_connect4(struct bpf_sock_addr *ctx)
{
	return datagram4(ctx);
}

SEC("cgroup/connect6")
int
on_connect6(struct bpf_sock_addr *ctx)
{
	return datagram6(ctx);
}

SEC("cgroup/sendmsg4")
int
on_sendmsg4(struct bpf_sock_addr *ctx)
{
	return datagram4(ctx);
}

SEC("cgroup/sendmsg6")
int
on_sendmsg6(struct bpf_sock_addr *ctx)
{
	return datagram6(ctx);
}

#endif
