/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A SQLite VFS (sqlite.org/vfs.html) that knows one file, an open descriptor,
 * for reading. With SQLite's own, a name under /proc/self/fd would be resolved
 * and opened again, and could be another file by then.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baselines/store.h"

struct fd_file {
	sqlite3_file base;
	int fd; /* borrowed */
};

struct fd_vfs {
	sqlite3_vfs vfs;
	char name[64];
	int fd;
};

static int
file_close(sqlite3_file *file)
{
	(void)file;
	return SQLITE_OK;
}

static int
file_read(sqlite3_file *file, void *to, int n, sqlite3_int64 offset)
{
	const struct fd_file *f = (const struct fd_file *)file;
	size_t done = 0;

	while (done < (size_t)n) {
		ssize_t got = pread(f->fd, (char *)to + done, (size_t)n - done,
				    offset + (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return SQLITE_IOERR_READ;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	if (done == (size_t)n)
		return SQLITE_OK;
	memset((char *)to + done, 0, (size_t)n - done);
	return SQLITE_IOERR_SHORT_READ;
}

static int
file_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 offset)
{
	(void)file, (void)from, (void)n, (void)offset;
	return SQLITE_READONLY;
}

static int
file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	(void)file, (void)size;
	return SQLITE_READONLY;
}

static int
file_sync(sqlite3_file *file, int flags)
{
	(void)file, (void)flags;
	return SQLITE_OK;
}

static int
file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	const struct fd_file *f = (const struct fd_file *)file;
	struct stat st;

	if (fstat(f->fd, &st) != 0)
		return SQLITE_IOERR_FSTAT;
	*size = st.st_size;
	return SQLITE_OK;
}

static int
file_lock(sqlite3_file *file, int level)
{
	(void)file, (void)level;
	return SQLITE_OK;
}

static int
file_reserved(sqlite3_file *file, int *out)
{
	(void)file;
	*out = 0;
	return SQLITE_OK;
}

static int
file_control(sqlite3_file *file, int op, void *arg)
{
	(void)file, (void)op, (void)arg;
	return SQLITE_NOTFOUND;
}

static int
file_sector(sqlite3_file *file)
{
	(void)file;
	return 4096;
}

static int
file_device(sqlite3_file *file)
{
	(void)file;
	return SQLITE_IOCAP_IMMUTABLE;
}

static const sqlite3_io_methods file_methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_lock,
	.xCheckReservedLock = file_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_device,
};

static int
vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
	 int *out_flags)
{
	struct fd_file *f = (struct fd_file *)file;

	(void)name;
	f->base.pMethods = NULL;
	if (!(flags & SQLITE_OPEN_MAIN_DB))
		return SQLITE_CANTOPEN;
	f->fd = ((const struct fd_vfs *)vfs)->fd;
	f->base.pMethods = &file_methods;
	if (out_flags != NULL)
		*out_flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
	return SQLITE_OK;
}

static int
vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
	(void)vfs, (void)name, (void)sync_dir;
	return SQLITE_READONLY;
}

static int
vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	(void)vfs, (void)name, (void)flags;
	*out = 0; /* neither journal nor WAL */
	return SQLITE_OK;
}

static int
vfs_full_path(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
	(void)vfs;
	sqlite3_snprintf(n, out, "%s", name);
	return SQLITE_OK;
}

static int
vfs_randomness(sqlite3_vfs *vfs, int n, char *out)
{
	(void)vfs;
	memset(out, 0, (size_t)n);
	return n;
}

static int
vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
	(void)vfs, (void)microseconds;
	return 0;
}

static int
vfs_time(sqlite3_vfs *vfs, double *out)
{
	(void)vfs;
	*out = 2440587.5; /* 1970 as a Julian day: nothing here asks */
	return SQLITE_OK;
}

static int
vfs_last_error(sqlite3_vfs *vfs, int n, char *out)
{
	(void)vfs, (void)n, (void)out;
	return errno;
}

static struct fd_vfs *
vfs_new(int fd)
{
	struct fd_vfs *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	v->fd = fd;
	snprintf(v->name, sizeof(v->name), "tocsin-%p", (void *)v);
	v->vfs = (sqlite3_vfs){
		.iVersion = 1,
		.szOsFile = sizeof(struct fd_file),
		.mxPathname = 64,
		.zName = v->name,
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_full_path,
		.xRandomness = vfs_randomness,
		.xSleep = vfs_sleep,
		.xCurrentTime = vfs_time,
		.xGetLastError = vfs_last_error,
	};
	return v;
}

int
fd_database_open(struct fd_database *d, int fd)
{
	struct fd_vfs *v = vfs_new(fd);
	int rc;

	*d = (struct fd_database){ 0 };
	if (v == NULL || sqlite3_initialize() != SQLITE_OK ||
	    sqlite3_vfs_register(&v->vfs, 0) != SQLITE_OK) {
		free(v);
		return SQLITE_NOMEM;
	}
	d->vfs = &v->vfs;
	rc = sqlite3_open_v2("baseline", &d->db,
			     SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
			     v->name);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_db_config(d->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(d->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return sqlite3_exec(
		d->db,
		"PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
		"PRAGMA cache_size=-1024; PRAGMA temp_store=MEMORY;",
		NULL, NULL, NULL);
}

void
fd_database_close(struct fd_database *d)
{
	sqlite3_close(d->db);
	if (d->vfs != NULL) {
		sqlite3_vfs_unregister(d->vfs);
		free(d->vfs);
	}
	*d = (struct fd_database){ 0 };
}
