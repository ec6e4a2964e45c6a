/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections. */
#include "fim/outlet_net.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIBRARY "libgnutls.so.30"

/* How long the other side may think about our certificate. */
#define JUDGED_NS (2 * NS_PER_SEC)

/* How often it is asked whether all has been acknowledged. */
#define ASK_NS (2 * NS_PER_MS)

#define CALLS(CALL)                                        \
	CALL(gnutls_init)                                  \
	CALL(gnutls_deinit)                                \
	CALL(gnutls_set_default_priority)                  \
	CALL(gnutls_credentials_set)                       \
	CALL(gnutls_server_name_set)                       \
	CALL(gnutls_session_set_verify_cert)               \
	CALL(gnutls_session_get_verify_cert_status)        \
	CALL(gnutls_certificate_verification_status_print) \
	CALL(gnutls_certificate_type_get)                  \
	CALL(gnutls_transport_set_int2)                    \
	CALL(gnutls_handshake)                             \
	CALL(gnutls_handshake_set_timeout)                 \
	CALL(gnutls_record_send)                           \
	CALL(gnutls_record_recv)                           \
	CALL(gnutls_alert_get)                             \
	CALL(gnutls_alert_get_name)                        \
	CALL(gnutls_certificate_client_get_request_status) \
	CALL(gnutls_bye)                                   \
	CALL(gnutls_error_is_fatal)                        \
	CALL(gnutls_strerror)                              \
	CALL(gnutls_certificate_allocate_credentials)      \
	CALL(gnutls_certificate_free_credentials)          \
	CALL(gnutls_certificate_set_x509_trust_file)       \
	CALL(gnutls_certificate_set_x509_system_trust)     \
	CALL(gnutls_certificate_set_x509_key_file)

struct net_tls {
	void *library;
	gnutls_certificate_credentials_t credentials;
#define CALL(name) __typeof__(&name) name;
	CALLS(CALL)
#undef CALL
};

struct net {
	int fd;
	struct net_tls *tls; /* borrowed; NULL = none */
	gnutls_session_t session;
	uint64_t timeout_ns;
};

/* ---- the library ----------------------------------------------------- */

static int
load_calls(struct net_tls *t, struct buf *why)
{
	t->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (t->library == NULL) {
		buf_puts(why,
			 "TLS needs " LIBRARY ", which is not installed here");
		return -1;
	}
#define CALL(name)                                       \
	*(void **)&t->name = dlsym(t->library, #name);   \
	if (t->name == NULL) {                           \
		buf_puts(why, LIBRARY " has no " #name); \
		return -1;                               \
	}
	CALLS(CALL)
#undef CALL
	return 0;
}

static int
say_file(struct net_tls *t, const char *file, int result, struct buf *why)
{
	buf_printf(why, "%s: %s", file,
		   result == 0 ? "has no certificate"
			       : t->gnutls_strerror(result));
	return -1;
}

static int
load_files(struct net_tls *t, const struct net_tls_files *files,
	   struct buf *why)
{
	int result;

	if (t->gnutls_certificate_allocate_credentials(&t->credentials) != 0) {
		buf_puts(why, "out of memory");
		return -1;
	}
	result = files->ca != NULL
			 ? t->gnutls_certificate_set_x509_trust_file(
				   t->credentials, files->ca,
				   GNUTLS_X509_FMT_PEM)
			 : t->gnutls_certificate_set_x509_system_trust(
				   t->credentials);
	if (result <= 0)
		return say_file(t,
				files->ca != NULL ? files->ca
						  : "the host's certificates",
				result, why);
	if (files->certificate == NULL)
		return 0;
	result = t->gnutls_certificate_set_x509_key_file(
		t->credentials, files->certificate, files->key,
		GNUTLS_X509_FMT_PEM);
	return result < 0 ? say_file(t, files->certificate, result, why) : 0;
}

struct net_tls *
net_tls_load(const struct net_tls_files *files, struct buf *why)
{
	struct net_tls *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		buf_puts(why, "out of memory");
		return NULL;
	}
	if (load_calls(t, why) == 0 && load_files(t, files, why) == 0)
		return t;
	net_tls_free(t);
	return NULL;
}

/* The library stays: it has threads' data and exit handlers. */
void
net_tls_free(struct net_tls *t)
{
	if (t == NULL)
		return;
	if (t->credentials != NULL)
		t->gnutls_certificate_free_credentials(t->credentials);
	free(t);
}

/* ---- connecting ------------------------------------------------------ */

void
net_set_timeout(int fd, uint64_t ns)
{
	struct timeval tv = { .tv_sec = (time_t)(ns / NS_PER_SEC),
			      .tv_usec = (suseconds_t)(ns % NS_PER_SEC /
						       NS_PER_US) };

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

static int
connect_one(const struct addrinfo *a, uint64_t timeout_ns)
{
	unsigned ms = (unsigned)(timeout_ns / NS_PER_MS);
	int on = 1, error;
	int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC,
			a->ai_protocol);

	if (fd < 0)
		return -1;
	/* connect(2) keeps to it, too; then data that nobody acknowledges. */
	net_set_timeout(fd, timeout_ns);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return fd;
	error = errno == EINPROGRESS ? ETIMEDOUT : errno;
	close(fd);
	errno = error;
	return -1;
}

static int
connect_any(const struct net_address *to, struct buf *why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	int fd = -1, result = getaddrinfo(to->host, to->port, &hints, &list);

	if (result == EAI_NONAME || result == EAI_ADDRFAMILY) {
		/* 127.0.0.1 where no other address is configured. */
		hints.ai_flags = AI_NUMERICSERV;
		result = getaddrinfo(to->host, to->port, &hints, &list);
	}
	if (result != 0) {
		buf_printf(why, "%s: %s", to->host, gai_strerror(result));
		return -1;
	}
	for (const struct addrinfo *a = list; a != NULL && fd < 0;
	     a = a->ai_next)
		fd = connect_one(a, to->timeout_ns);
	if (fd < 0)
		buf_printf(why, "%s port %s: %s", to->host, to->port,
			   strerror(errno));
	freeaddrinfo(list);
	return fd;
}

static void
say_handshake(struct net *n, int result, struct buf *why)
{
	struct net_tls *t = n->tls;
	unsigned status = t->gnutls_session_get_verify_cert_status(n->session);
	gnutls_datum_t text = { 0 };

	if (result == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR &&
	    t->gnutls_certificate_verification_status_print(
		    status, t->gnutls_certificate_type_get(n->session), &text,
		    0) == 0) {
		buf_printf(why, "the certificate is not accepted: ");
		buf_put(why, view_trim(view_of((const char *)text.data)));
		free(text.data);
	} else if (result == GNUTLS_E_FATAL_ALERT_RECEIVED) {
		buf_printf(why, "TLS: the other side refuses: %s",
			   t->gnutls_alert_get_name(
				   t->gnutls_alert_get(n->session))
				   ?: "no reason");
	} else {
		buf_printf(why, "TLS: %s", t->gnutls_strerror(result));
	}
}

/* In TLS 1.3 our handshake ends before the other side has judged the
 * certificate that it asked us for, and what was sent meanwhile would be lost
 * without a word. After a good one most servers send a session ticket (RFC
 * 8446, 4.6.1), after a bad one an alert: that is waited for. */
static int
await_judgement(struct net *n)
{
	struct pollfd fd = { .fd = n->fd, .events = POLLIN };
	struct net_tls *t = n->tls;
	uint64_t ns = n->timeout_ns < JUDGED_NS ? n->timeout_ns : JUDGED_NS;
	char byte;
	ssize_t got;
	int flags;

	if (t->gnutls_certificate_client_get_request_status(n->session) == 0 ||
	    poll(&fd, 1, (int)(ns / NS_PER_MS)) <= 0)
		return 0;
	flags = fcntl(n->fd, F_GETFL);
	if (flags < 0 || fcntl(n->fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return GNUTLS_E_PULL_ERROR;
	got = t->gnutls_record_recv(n->session, &byte, 1);
	if (fcntl(n->fd, F_SETFL, flags) != 0)
		return GNUTLS_E_PULL_ERROR;
	if (got == 0)
		return GNUTLS_E_PREMATURE_TERMINATION;
	return got < 0 && t->gnutls_error_is_fatal((int)got) ? (int)got : 0;
}

static int
shake_hands(struct net *n, const char *host, struct buf *why)
{
	struct net_tls *t = n->tls;
	int result = t->gnutls_init(&n->session, GNUTLS_CLIENT);

	if (result == 0)
		result = t->gnutls_set_default_priority(n->session);
	if (result == 0)
		result = t->gnutls_credentials_set(
			n->session, GNUTLS_CRD_CERTIFICATE, t->credentials);
	if (result == 0) {
		/* An address is no name; then none is sent, and the
		 * certificate must have the address. */
		t->gnutls_server_name_set(n->session, GNUTLS_NAME_DNS, host,
					  strlen(host));
		t->gnutls_session_set_verify_cert(n->session, host, 0);
		t->gnutls_transport_set_int2(n->session, n->fd, n->fd);
		t->gnutls_handshake_set_timeout(
			n->session, (unsigned)(n->timeout_ns / NS_PER_MS));
		do
			result = t->gnutls_handshake(n->session);
		while (result < 0 && t->gnutls_error_is_fatal(result) == 0);
	}
	if (result == 0)
		result = await_judgement(n);
	if (result == 0)
		return 0;
	say_handshake(n, result, why);
	return -1;
}

struct net *
net_connect(const struct net_address *to, struct net_tls *tls, struct buf *why)
{
	struct net *n = calloc(1, sizeof(*n));

	if (n == NULL) {
		buf_puts(why, "out of memory");
		return NULL;
	}
	n->tls = tls;
	n->timeout_ns = to->timeout_ns;
	n->fd = connect_any(to, why);
	if (n->fd >= 0 && (tls == NULL || shake_hands(n, to->host, why) == 0))
		return n;
	net_close(n);
	return NULL;
}

void
net_close(struct net *n)
{
	if (n == NULL)
		return;
	if (n->session != NULL) {
		n->tls->gnutls_bye(n->session, GNUTLS_SHUT_WR);
		n->tls->gnutls_deinit(n->session);
	}
	if (n->fd >= 0)
		close(n->fd);
	free(n);
}

/* ---- sending --------------------------------------------------------- */

bool
net_is_up(const struct net *n)
{
	struct pollfd fd = { .fd = n->fd, .events = POLLRDHUP };

	return poll(&fd, 1, 0) == 0;
}

static ssize_t
send_some(struct net *n, struct view v, struct buf *why)
{
	ssize_t sent;

	if (n->tls != NULL) {
		sent = n->tls->gnutls_record_send(n->session, v.p, v.n);
		if (sent == GNUTLS_E_INTERRUPTED)
			return 0;
		if (sent < 0)
			buf_printf(why, "TLS: %s",
				   n->tls->gnutls_strerror((int)sent));
		return sent;
	}
	sent = send(n->fd, v.p, v.n, MSG_NOSIGNAL);
	if (sent < 0 && errno == EINTR)
		return 0;
	if (sent < 0)
		buf_printf(why, "sending: %s",
			   errno == EAGAIN ? "it takes nothing more"
					   : strerror(errno));
	return sent;
}

/* Only what the other side has acknowledged has arrived anywhere. */
static int
wait_acknowledged(struct net *n, struct buf *why)
{
	uint64_t end_ns = clock_boot_ns() + n->timeout_ns;
	struct timespec pause = { .tv_nsec = ASK_NS };
	int left = 0;

	while (ioctl(n->fd, SIOCOUTQ, &left) == 0 && left > 0 &&
	       clock_boot_ns() < end_ns && net_is_up(n))
		nanosleep(&pause, NULL);
	if (!net_is_up(n)) {
		buf_puts(why, "the other side has closed the connection");
		return -1;
	}
	if (left > 0) {
		buf_puts(why, "the other side does not acknowledge");
		return -1;
	}
	return 0;
}

int
net_send(struct net *n, struct view v, struct buf *why)
{
	while (v.n > 0) {
		ssize_t sent = send_some(n, v, why);

		if (sent < 0)
			return -1;
		v = view_sub(v, (size_t)sent, SIZE_MAX);
	}
	return wait_acknowledged(n, why);
}
