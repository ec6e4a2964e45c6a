/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of sockets, as /proc/PID/net shows them. */
#include "fim/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define TABLE_MAX_BYTES (64u << 20)

static const struct {
	const char *name;
	bool v6;
	uint8_t proto;
} tables[] = {
	{ "net/tcp", false, NET_TCP },
	{ "net/tcp6", true, NET_TCP },
	{ "net/udp", false, NET_UDP },
	{ "net/udp6", true, NET_UDP },
};

/* ---- one line --------------------------------------------------------- */

struct line {
	uint8_t local[16], remote[16];
	uint64_t local_port, remote_port, state, inode;
};

static bool
read_hex(struct view v, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < v.n; i++) {
		const char *digits = "0123456789ABCDEF";
		const char *at = memchr(digits, v.p[i], 16);

		if (at == NULL)
			return false;
		*out = *out << 4 | (uint64_t)(at - digits);
	}
	return v.n > 0 && v.n <= 16;
}

/* "0100007F:0016": words of 32 bits as this machine stores them. */
static bool
read_endpoint(struct view v, bool v6, uint8_t address[16], uint64_t *port)
{
	size_t words = v6 ? 4 : 1;

	if (v.n != words * 8 + 5 || v.p[words * 8] != ':' ||
	    !read_hex(view_sub(v, words * 8 + 1, 4), port))
		return false;
	for (size_t i = 0; i < words; i++) {
		uint64_t word;
		uint32_t raw;

		if (!read_hex(view_sub(v, i * 8, 8), &word))
			return false;
		raw = (uint32_t)word;
		memcpy(address + i * 4, &raw, sizeof(raw));
	}
	return true;
}

/* Words: sl local remote st queues timer retransmits uid timeout inode … */
static bool
read_line(struct view text, bool v6, struct line *out)
{
	struct view word;
	int n = 0;

	*out = (struct line){ 0 };
	while (view_next_split(&text, ' ', &word)) {
		bool ok = true;

		if (word.n == 0)
			continue;
		if (n == 1)
			ok = read_endpoint(word, v6, out->local,
					   &out->local_port);
		else if (n == 2)
			ok = read_endpoint(word, v6, out->remote,
					   &out->remote_port);
		else if (n == 3)
			ok = read_hex(word, &out->state);
		else if (n == 9)
			return view_to_u64(word, &out->inode);
		if (!ok)
			return false;
		n++;
	}
	return false;
}

/* ---- a table ---------------------------------------------------------- */

static bool
somebody_listens(struct view table, bool v6, uint64_t port)
{
	struct view text;
	struct line line;

	while (view_next_split(&table, '\n', &text))
		if (read_line(text, v6, &line) && line.state == TCP_LISTEN &&
		    line.local_port == port)
			return true;
	return false;
}

static bool
is_connected(const struct line *line, uint8_t proto)
{
	if (proto == NET_UDP) /* connect(2) of one sets this */
		return line->state == TCP_ESTABLISHED;
	return line->state != TCP_LISTEN && line->remote_port != 0;
}

bool
sockets_read(struct view table, bool v6, uint8_t proto, uint64_t inode,
	     struct event_net *net)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct view rest = table, text;
	struct line line;

	while (view_next_split(&rest, '\n', &text)) {
		if (!read_line(text, v6, &line) || line.inode != inode)
			continue;
		if (!is_connected(&line, proto))
			return false;
		*net = (struct event_net){
			.family = v6 ? AF_INET6 : AF_INET,
			.proto = proto,
			.ingress = proto == NET_TCP &&
				   somebody_listens(table, v6, line.local_port),
			.local_port = (uint16_t)line.local_port,
			.remote_port = (uint16_t)line.remote_port,
		};
		memcpy(net->local, line.local, sizeof(net->local));
		memcpy(net->remote, line.remote, sizeof(net->remote));
		/* IPv4 over a socket of both. */
		if (v6 && memcmp(net->remote, mapped, sizeof(mapped)) == 0) {
			net->family = AF_INET;
			memcpy(net->local, line.local + 12, 4);
			memcpy(net->remote, line.remote + 12, 4);
		}
		return true;
	}
	return false;
}

/* ---- a namespace ------------------------------------------------------ */

static void
read_tables(struct sockets *s, int proc)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		int fd = openat(proc, tables[i].name, O_RDONLY | O_CLOEXEC);

		buf_clear(&s->text[i]);
		if (fd < 0)
			continue;
		fd_read_all(fd, TABLE_MAX_BYTES, &s->text[i]);
		close(fd);
	}
}

bool
sockets_find(struct sockets *s, int proc, uint64_t inode, struct event_net *net)
{
	struct stat st;

	if (inode == 0 || fstatat(proc, "ns/net", &st, 0) != 0)
		return false;
	if (st.st_ino != s->net_ns)
		read_tables(s, proc);
	s->net_ns = st.st_ino;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (sockets_read(buf_view(&s->text[i]), tables[i].v6,
				 tables[i].proto, inode, net))
			return true;
	return false;
}

void
sockets_free(struct sockets *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->text); i++)
		buf_free(&s->text[i]);
	s->net_ns = 0;
}
