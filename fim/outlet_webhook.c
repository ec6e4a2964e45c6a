/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTP: one POST an alert, its JSON as the body. 2xx means it has arrived. 400,
 * 413 and 422 say that this very alert is not wanted; anything else, that now
 * is not the time. Redirects are not followed: an alert goes where the
 * configuration says.
 *
 * libcurl in its GnuTLS flavour (its licence goes with the GPL, version 2),
 * loaded here and not linked: see outlet_net.h.
 */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>

#include "fim/outlet.h"
#include "fim/version.h"

#define LIBRARY "libcurl-gnutls.so.4"

#define CALLS(CALL)              \
	CALL(curl_global_init)   \
	CALL(curl_easy_init)     \
	CALL(curl_easy_cleanup)  \
	CALL(curl_easy_reset)    \
	CALL(curl_easy_setopt)   \
	CALL(curl_easy_perform)  \
	CALL(curl_easy_getinfo)  \
	CALL(curl_easy_strerror) \
	CALL(curl_slist_append)  \
	CALL(curl_slist_free_all)

struct webhook {
	CURL *handle;
	void *library;
	char problem[CURL_ERROR_SIZE];
#define CALL(name) __typeof__(&(name)) name;
	CALLS(CALL)
#undef CALL
};

static int
load(struct webhook *w, struct buf *why)
{
	w->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (w->library == NULL) {
		buf_puts(why, "a webhook needs " LIBRARY
			      ", which is not installed here");
		return -1;
	}
#define CALL(name)                                       \
	*(void **)&w->name = dlsym(w->library, #name);   \
	if (w->name == NULL) {                           \
		buf_puts(why, LIBRARY " has no " #name); \
		return -1;                               \
	}
	CALLS(CALL)
#undef CALL
	if (w->curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		w->handle = w->curl_easy_init();
	if (w->handle != NULL)
		return 0;
	buf_puts(why, "libcurl cannot begin");
	return -1;
}

/* Files that can be read now are those that can be read later. */
static int
add_file(struct outlet *o, struct view path, struct buf *why)
{
	FILE *f;

	if (path.n == 0)
		return 0;
	f = fopen(path.p, "re");
	if (f == NULL) {
		buf_printf(why, "%s cannot be opened", path.p);
		return -1;
	}
	fclose(f);
	outlet_add_path(o, path.p, SANDBOX_READ);
	return 0;
}

static int
webhook_open(struct outlet *o, struct buf *why)
{
	struct webhook *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		buf_puts(why, "out of memory");
		return -1;
	}
	o->own = w;
	outlet_add_network_paths(o);
	if (add_file(o, o->config->ca, why) != 0 ||
	    add_file(o, o->config->certificate, why) != 0 ||
	    add_file(o, o->config->key, why) != 0)
		return -1;
	return load(w, why);
}

/* ---- one request ----------------------------------------------------- */

/* What the other side says besides the status is nothing to us. */
static size_t
ignore(char *bytes, size_t size, size_t n, void *ctx)
{
	(void)bytes, (void)ctx;
	return size * n;
}

static struct curl_slist *
add_header(struct webhook *w, struct curl_slist *list, const char *line)
{
	struct curl_slist *longer = w->curl_slist_append(list, line);

	return longer != NULL ? longer : list;
}

static struct curl_slist *
make_headers(struct outlet *o, const struct cursor_alert *a)
{
	struct webhook *w = o->own;
	const struct config_list *more = &o->config->headers;
	struct buf id = { 0 };
	struct curl_slist *list;

	list = add_header(w, NULL, "Content-Type: application/json");
	list = add_header(w, list, "Expect:");
	buf_puts(&id, "Idempotency-Key: ");
	buf_put(&id, a->id);
	buf_putc(&id, '\0');
	if (!id.failed)
		list = add_header(w, list, id.p);
	for (size_t i = 0; i < more->n; i++)
		list = add_header(w, list, more->v[i].p);
	buf_free(&id);
	return list;
}

static void
set_files(struct outlet *o)
{
	struct webhook *w = o->own;
	const struct config_output *c = o->config;

	if (c->ca.n > 0) {
		w->curl_easy_setopt(w->handle, CURLOPT_CAINFO, c->ca.p);
		w->curl_easy_setopt(w->handle, CURLOPT_CAPATH, NULL);
	}
	if (c->certificate.n > 0) {
		w->curl_easy_setopt(w->handle, CURLOPT_SSLCERT,
				    c->certificate.p);
		w->curl_easy_setopt(w->handle, CURLOPT_SSLKEY, c->key.p);
	}
}

static void
set_request(struct outlet *o, const struct cursor_alert *a,
	    struct curl_slist *headers)
{
	struct webhook *w = o->own;
	const struct config_output *c = o->config;
	CURL *h = w->handle;

	w->curl_easy_reset(h); /* keeps the connection */
	w->problem[0] = '\0';
	w->curl_easy_setopt(h, CURLOPT_ERRORBUFFER, w->problem);
	w->curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
	w->curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	w->curl_easy_setopt(h, CURLOPT_PROTOCOLS,
			    (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	w->curl_easy_setopt(h, CURLOPT_URL, c->url.p);
	w->curl_easy_setopt(h, CURLOPT_PROXY, c->proxy.n > 0 ? c->proxy.p : "");
	w->curl_easy_setopt(h, CURLOPT_TIMEOUT_MS,
			    (long)(c->timeout_ns / NS_PER_MS));
	w->curl_easy_setopt(h, CURLOPT_USERAGENT, "tocsin/" TOCSIN_VERSION);
	w->curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
	w->curl_easy_setopt(h, CURLOPT_POST, 1L);
	w->curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE,
			    (curl_off_t)a->json.n);
	w->curl_easy_setopt(h, CURLOPT_POSTFIELDS, a->json.p);
	w->curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, ignore);
	set_files(o);
}

static int
judge(struct webhook *w, struct outlet_result *r)
{
	curl_off_t wait_s = 0;
	long status = 0;

	w->curl_easy_getinfo(w->handle, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 300)
		return 0;
	w->curl_easy_getinfo(w->handle, CURLINFO_RETRY_AFTER, &wait_s);
	if (wait_s > 0 && wait_s < 86400)
		r->wait_ns = (uint64_t)wait_s * NS_PER_SEC;
	r->refused = status == 400 || status == 413 || status == 422;
	buf_printf(&r->why, "the other side answers %ld", status);
	return -1;
}

/* libcurl says of a certificate only that it was not accepted; GnuTLS' bits say
 * why. */
static void
say_certificate(struct webhook *w, struct buf *why)
{
	static const struct {
		long bit;
		const char *words;
	} reasons[] = {
		{ GNUTLS_CERT_SIGNER_NOT_FOUND, "its issuer is unknown" },
		{ GNUTLS_CERT_EXPIRED, "it has expired" },
		{ GNUTLS_CERT_NOT_ACTIVATED, "it is not yet valid" },
		{ GNUTLS_CERT_REVOKED, "it was revoked" },
		{ GNUTLS_CERT_INSECURE_ALGORITHM, "its algorithm is weak" },
	};
	long bits = 0;

	buf_puts(why, "the certificate is not accepted");
	w->curl_easy_getinfo(w->handle, CURLINFO_SSL_VERIFYRESULT, &bits);
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (bits & reasons[i].bit) {
			buf_printf(why, ": %s", reasons[i].words);
			return;
		}
	}
	buf_printf(why, ": %s", w->problem);
}

static int
post(struct outlet *o, const struct cursor_alert *a, struct outlet_result *r)
{
	struct webhook *w = o->own;
	struct curl_slist *headers = make_headers(o, a);
	CURLcode code;

	set_request(o, a, headers);
	code = w->curl_easy_perform(w->handle);
	w->curl_slist_free_all(headers);
	if (code == CURLE_OK)
		return judge(w, r);
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		say_certificate(w, &r->why);
	else
		buf_puts(&r->why, w->problem[0] != '\0'
					  ? w->problem
					  : w->curl_easy_strerror(code));
	return -1;
}

static size_t
webhook_deliver(struct outlet *o, const struct cursor_alert *v, size_t n,
		struct outlet_result *r)
{
	size_t i = 0;

	while (i < n && post(o, &v[i], r) == 0)
		i++;
	return i;
}

static void
webhook_close(struct outlet *o)
{
	struct webhook *w = o->own;

	if (w->handle != NULL)
		w->curl_easy_cleanup(w->handle);
	free(w);
}

const struct outlet_ops outlet_webhook = {
	.type = "webhook",
	.sockets = true,
	.one_by_one = true,
	.open = webhook_open,
	.deliver = webhook_deliver,
	.close = webhook_close,
};
