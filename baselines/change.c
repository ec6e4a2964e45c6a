/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What differs between two states of one path, and how it is told. */
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "baselines/compare.h"
#include "scan/capability.h"
#include "scan/scan.h"

static const char *const attribute_words[] = {
#define CHANGE_ATTRIBUTE(name, word) word,
	CHANGE_ATTRIBUTES
#undef CHANGE_ATTRIBUTE
};

const char *
change_attribute_word(enum change_attribute a)
{
	return attribute_words[a];
}

const char *
change_kind_word(enum change_kind kind)
{
	switch (kind) {
	case CHANGE_ADDED:
		return "added";
	case CHANGE_REMOVED:
		return "removed";
	default:
		return "changed";
	}
}

/* ---- which differ ---------------------------------------------------- */

static enum change_attribute
attribute_of(struct view xattr)
{
	if (view_starts(xattr, VIEW("system.posix_acl_")))
		return CHANGE_ACL;
	if (view_eq(xattr, VIEW("security.capability")))
		return CHANGE_CAPABILITIES;
	if (view_eq(xattr, VIEW("security.selinux")))
		return CHANGE_LABEL;
	return CHANGE_XATTRS;
}

/* Both lists are sorted by name. */
static unsigned
xattr_differences(struct view a, struct view b)
{
	struct walk_xattr x = { 0 }, y = { 0 };
	bool more_x, more_y;
	unsigned found = 0;

	if (view_eq(a, b))
		return 0;
	more_x = walk_next_xattr(&a, &x);
	more_y = walk_next_xattr(&b, &y);
	while (more_x || more_y) {
		int order = !more_x   ? 1
			    : !more_y ? -1
				      : view_cmp(x.name, y.name);

		if (order != 0 || x.is_digest != y.is_digest ||
		    !view_eq(x.value, y.value))
			found |= 1u
				 << attribute_of(order <= 0 ? x.name : y.name);
		if (order <= 0)
			more_x = walk_next_xattr(&a, &x);
		if (order >= 0)
			more_y = walk_next_xattr(&b, &y);
	}
	return found;
}

static unsigned
content_differences(const struct walk_entry *a, const struct walk_entry *b)
{
	unsigned found = 0;

	if (S_ISDIR(b->mode))
		return 0;
	found |= (unsigned)(a->mtime_ns != b->mtime_ns) << CHANGE_MTIME;
	if (!S_ISREG(b->mode))
		return found;
	found |= (unsigned)(a->size != b->size) << CHANGE_SIZE;
	found |= (unsigned)(a->nlink != b->nlink) << CHANGE_LINKS;
	if (a->has_digest && b->has_digest)
		found |= (unsigned)(memcmp(a->sha256, b->sha256, 32) != 0)
			 << CHANGE_SHA256;
	return found;
}

unsigned
change_differences(const struct walk_entry *a, const struct walk_entry *b)
{
	unsigned found = 0;

	if ((a->mode & S_IFMT) != (b->mode & S_IFMT))
		found |= 1u << CHANGE_TYPE;
	found |= (unsigned)((a->mode & 07777) != (b->mode & 07777))
		 << CHANGE_MODE;
	found |= (unsigned)(a->uid != b->uid) << CHANGE_OWNER;
	found |= (unsigned)(a->gid != b->gid) << CHANGE_GROUP;
	if ((found & 1u << CHANGE_TYPE) == 0)
		found |= content_differences(a, b);
	if (!a->has_extra || !b->has_extra)
		return found;
	if (S_ISCHR(b->mode) || S_ISBLK(b->mode))
		found |= (unsigned)(a->rdev != b->rdev) << CHANGE_DEVICE;
	found |= (unsigned)!view_eq(a->target, b->target) << CHANGE_TARGET;
	found |= (unsigned)(a->flags != b->flags) << CHANGE_FLAGS;
	/* Half a list says nothing. */
	if (a->fault != WALK_XATTRS && b->fault != WALK_XATTRS)
		found |= xattr_differences(a->xattrs, b->xattrs);
	return found;
}

/* ---- values as text -------------------------------------------------- */

/* The kernel's struct posix_acl_xattr_*: version 2, then tag, permissions and
 * id of each entry, little endian (linux/posix_acl_xattr.h). */
static void
put_acl(struct buf *out, struct view v)
{
	static const struct {
		unsigned tag;
		const char *word;
	} tags[] = { { 0x01, "user:" },	 { 0x02, "user:%u" },
		     { 0x04, "group:" }, { 0x08, "group:%u" },
		     { 0x10, "mask:" },	 { 0x20, "other:" } };
	const uint8_t *p = (const uint8_t *)v.p;

	for (size_t at = 4; at + 8 <= v.n; at += 8) {
		unsigned tag = p[at] | (unsigned)p[at + 1] << 8,
			 bits = p[at + 2];
		unsigned id = p[at + 4] | (unsigned)p[at + 5] << 8 |
			      (unsigned)p[at + 6] << 16 |
			      (unsigned)p[at + 7] << 24;

		if (at > 4)
			buf_putc(out, ',');
		for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
			if (tags[i].tag != tag)
				continue;
			if (tag == 0x02 || tag == 0x08)
				buf_printf(
					out, "%s%u",
					tag == 0x02 ? "user:" : "group:", id);
			else
				buf_puts(out, tags[i].word);
		}
		buf_printf(out, ":%c%c%c", bits & 4 ? 'r' : '-',
			   bits & 2 ? 'w' : '-', bits & 1 ? 'x' : '-');
	}
}

static void
put_xattr_value(struct buf *out, const struct walk_xattr *x)
{
	struct file_capabilities caps;

	if (x->is_digest)
		buf_puts(out, "sha256:");
	if (attribute_of(x->name) == CHANGE_CAPABILITIES && !x->is_digest &&
	    capability_of_file(x->value, &caps)) {
		capability_put(out, &caps);
	} else if (attribute_of(x->name) == CHANGE_ACL && !x->is_digest) {
		if (view_eq(x->name, VIEW("system.posix_acl_default")))
			buf_puts(out, "default:");
		put_acl(out, x->value);
	} else if (attribute_of(x->name) == CHANGE_LABEL) {
		struct view label = x->value;

		while (label.n > 0 && label.p[label.n - 1] == '\0')
			label.n--;
		buf_put(out, label);
	} else {
		buf_hex(out, x->value.p, x->value.n < 64 ? x->value.n : 64);
		if (x->value.n > 64)
			buf_puts(out, "...");
	}
}

static void
put_xattrs(struct buf *out, enum change_attribute a, struct view list)
{
	struct walk_xattr x;
	bool any = false;

	while (walk_next_xattr(&list, &x)) {
		if (attribute_of(x.name) != a)
			continue;
		if (any)
			buf_putc(out, ' ');
		any = true;
		if (a == CHANGE_XATTRS || a == CHANGE_CAPABILITIES) {
			if (a == CHANGE_XATTRS) {
				buf_put(out, x.name);
				buf_putc(out, '=');
			}
		}
		put_xattr_value(out, &x);
	}
	if (!any)
		buf_puts(out, "none");
}

static void
put_flags(struct buf *out, uint32_t flags)
{
	if (flags == 0)
		buf_puts(out, "none");
	if (flags & FS_IMMUTABLE_FL)
		buf_puts(out, "immutable");
	if ((flags & FS_IMMUTABLE_FL) && (flags & FS_APPEND_FL))
		buf_putc(out, ',');
	if (flags & FS_APPEND_FL)
		buf_puts(out, "append");
}

void
change_put_value(struct buf *out, enum change_attribute a,
		 const struct walk_entry *e)
{
	switch (a) {
	case CHANGE_TYPE:
		buf_puts(out, file_type_name(e->mode));
		return;
	case CHANGE_MODE:
		buf_printf(out, "%04o", e->mode & 07777);
		return;
	case CHANGE_OWNER:
		buf_printf(out, "%u", e->uid);
		return;
	case CHANGE_GROUP:
		buf_printf(out, "%u", e->gid);
		return;
	case CHANGE_SIZE:
		buf_printf(out, "%llu", (unsigned long long)e->size);
		return;
	case CHANGE_MTIME:
		buf_rfc3339(out, e->mtime_ns);
		return;
	case CHANGE_LINKS:
		buf_printf(out, "%u", e->nlink);
		return;
	case CHANGE_TARGET:
		buf_put(out, e->target);
		return;
	case CHANGE_DEVICE:
		buf_printf(out, "%u:%u", major(e->rdev), minor(e->rdev));
		return;
	case CHANGE_SHA256:
		if (e->has_digest)
			buf_hex(out, e->sha256, 32);
		return;
	case CHANGE_FLAGS:
		put_flags(out, e->flags);
		return;
	case CHANGE_ACL:
	case CHANGE_CAPABILITIES:
	case CHANGE_LABEL:
	case CHANGE_XATTRS:
		put_xattrs(out, a, e->xattrs);
		return;
	case CHANGE_ATTRIBUTE_COUNT:
		return;
	}
}

void
change_put_entry_json(struct buf *out, const struct walk_entry *e)
{
	struct buf text = { 0 };
	const char *comma = "";

	for (int a = 0; a < CHANGE_ATTRIBUTE_COUNT; a++) {
		buf_clear(&text);
		change_put_value(&text, (enum change_attribute)a, e);
		if (text.n == 0 || view_eq(buf_view(&text), VIEW("none")) ||
		    (a == CHANGE_DEVICE && e->rdev == 0))
			continue;
		buf_printf(out, "%s\"%s\":", comma, attribute_words[a]);
		buf_json_string(out, buf_view(&text));
		comma = ",";
	}
	if (text.failed)
		out->failed = true;
	buf_free(&text);
}

void
change_state(const struct walk_entry *e,
	     const struct view values[CHANGE_ATTRIBUTE_COUNT], uint8_t out[32])
{
	const unsigned aside = 1u << CHANGE_SIZE | 1u << CHANGE_MTIME |
			       1u << CHANGE_LINKS | 1u << CHANGE_SHA256;
	struct buf all = { 0 }, value = { 0 };

	for (int a = 0; a < CHANGE_ATTRIBUTE_COUNT; a++) {
		if ((aside >> a & 1) != 0)
			continue;
		buf_clear(&value);
		if (values != NULL && values[a].p != NULL)
			buf_put(&value, values[a]);
		else
			change_put_value(&value, (enum change_attribute)a, e);
		/* A report has no other bytes than these. */
		buf_json_string(&all, buf_view(&value));
	}
	digest_sha256(buf_view(&all), out);
	buf_free(&all);
	buf_free(&value);
}

/* ---- a change as text ------------------------------------------------ */

void
change_path(struct buf *out, struct view dir, struct view name)
{
	if (dir.n > 1 || name.n == 0)
		buf_put(out, dir);
	if (name.n > 0) {
		buf_putc(out, '/');
		buf_put(out, name);
	}
}

static const struct walk_entry *
latest(const struct change *c)
{
	return c->now != NULL ? c->now : c->old;
}

static void
json_attribute(struct buf *out, const struct change *c, enum change_attribute a)
{
	struct buf value = { 0 };

	buf_printf(out, "{\"name\":\"%s\",\"old\":", attribute_words[a]);
	change_put_value(&value, a, c->old);
	buf_json_string(out, buf_view(&value));
	buf_puts(out, ",\"new\":");
	buf_clear(&value);
	change_put_value(&value, a, c->now);
	buf_json_string(out, buf_view(&value));
	buf_putc(out, '}');
	buf_free(&value);
}

static void
json_path(struct buf *out, struct view dir, struct view name)
{
	struct buf path = { 0 };

	change_path(&path, dir, name);
	buf_puts(out, "\"path\":");
	buf_json_string(out, buf_view(&path));
	if (!utf8_valid(buf_view(&path))) {
		buf_puts(out, ",\"path_hex\":\"");
		buf_hex(out, path.p, path.n);
		buf_putc(out, '"');
	}
	buf_free(&path);
}

void
change_put_json(struct buf *out, const struct change *c)
{
	const struct walk_entry *e = latest(c);
	const char *comma = "";

	buf_printf(out, "{\"kind\":\"%s\",", change_kind_word(c->kind));
	json_path(out, c->dir, c->name);
	buf_printf(out, ",\"type\":\"%s\"", file_type_name(e->mode));
	if (c->now != NULL && c->now->has_digest) {
		buf_puts(out, ",\"sha256\":\"");
		buf_hex(out, c->now->sha256, 32);
		buf_putc(out, '"');
	}
	buf_puts(out, ",\"attributes\":[");
	for (int a = 0; a < CHANGE_ATTRIBUTE_COUNT; a++) {
		if ((c->attributes >> a & 1) == 0)
			continue;
		buf_puts(out, comma);
		json_attribute(out, c, (enum change_attribute)a);
		comma = ",";
	}
	buf_putc(out, ']');
	if (c->package.n > 0) {
		buf_puts(out, ",\"package\":");
		buf_json_string(out, c->package);
	}
	if (c->explained.n > 0) {
		buf_puts(out, ",\"explained\":");
		buf_json_string(out, c->explained);
		if (c->evidence != NULL)
			buf_printf(out, ",\"evidence\":\"%s\"", c->evidence);
	}
	/* Where nothing is to compare with, what there is, or was. */
	if (c->kind != CHANGE_CHANGED) {
		buf_puts(out, ",\"entry\":{");
		change_put_entry_json(out, e);
		buf_putc(out, '}');
	}
	buf_putc(out, '}');
}

/* Digests are long and say only that they differ. */
static void
text_attribute(struct buf *out, const struct change *c, enum change_attribute a)
{
	struct buf value = { 0 };

	buf_puts(out, attribute_words[a]);
	if (a == CHANGE_SHA256)
		return;
	buf_putc(out, ' ');
	change_put_value(&value, a, c->old);
	buf_text_word(out, buf_view(&value));
	buf_puts(out, " -> ");
	buf_clear(&value);
	change_put_value(&value, a, c->now);
	buf_text_word(out, buf_view(&value));
	buf_free(&value);
}

static bool
says_something(enum change_attribute a, const struct walk_entry *e)
{
	switch (a) {
	case CHANGE_MODE:
		return !S_ISLNK(e->mode);
	case CHANGE_OWNER:
	case CHANGE_GROUP:
		return true;
	case CHANGE_SIZE:
		return S_ISREG(e->mode);
	case CHANGE_TARGET:
		return S_ISLNK(e->mode);
	case CHANGE_ACL:
	case CHANGE_CAPABILITIES:
	case CHANGE_FLAGS:
		return e->has_extra;
	default:
		return false;
	}
}

/* What is new has no old value: what can be done with it is told instead. */
static void
text_new(struct buf *out, const struct walk_entry *e)
{
	struct buf value = { 0 };
	const char *comma = "  ";

	for (int i = 0; i < CHANGE_ATTRIBUTE_COUNT; i++) {
		enum change_attribute a = (enum change_attribute)i;

		buf_clear(&value);
		if (says_something(a, e))
			change_put_value(&value, a, e);
		if (value.n == 0 || view_eq(buf_view(&value), VIEW("none")))
			continue;
		buf_printf(out, "%s%s ", comma, attribute_words[a]);
		buf_text_word(out, buf_view(&value));
		comma = ", ";
	}
	if (!S_ISREG(e->mode))
		buf_printf(out, "  (%s)", file_type_name(e->mode));
	buf_free(&value);
}

void
change_put_text(struct buf *out, const struct change *c)
{
	struct buf path = { 0 };
	const char *comma = "  ";

	change_path(&path, c->dir, c->name);
	buf_printf(out, "%-9s ", change_kind_word(c->kind));
	buf_text_word(out, buf_view(&path));
	buf_free(&path);
	for (int a = 0; a < CHANGE_ATTRIBUTE_COUNT; a++) {
		if ((c->attributes >> a & 1) == 0)
			continue;
		buf_puts(out, comma);
		text_attribute(out, c, (enum change_attribute)a);
		comma = ", ";
	}
	if (c->kind == CHANGE_ADDED)
		text_new(out, c->now);
	if (c->explained.n > 0) {
		buf_puts(out, "  explained by ");
		buf_text(out, c->explained);
		if (c->evidence != NULL)
			buf_printf(out, " (%s)", c->evidence);
	}
	buf_putc(out, '\n');
}

/* ---- what was not covered -------------------------------------------- */

void
change_put_uncovered(struct buf *out, const struct walk_entry *e)
{
	struct buf path = { 0 };

	change_path(&path, e->dir, e->name);
	buf_text_word(out, buf_view(&path));
	buf_printf(out, " %s", walk_fault_sentence(e->fault));
	if (e->error != 0)
		buf_printf(out, ": %s", strerror(e->error));
	buf_putc(out, '\n');
	buf_free(&path);
}

void
change_put_uncovered_json(struct buf *out, const struct walk_entry *e)
{
	buf_printf(out, "{\"uncovered\":\"%s\",", walk_fault_word(e->fault));
	json_path(out, e->dir, e->name);
	buf_puts(out, ",\"reason\":\"");
	buf_puts(out, walk_fault_sentence(e->fault));
	buf_putc(out, '"');
	if (e->error != 0) {
		buf_puts(out, ",\"error\":");
		buf_json_string(out, view_of(strerror(e->error)));
	}
	buf_putc(out, '}');
}
