/*
 * How SQLite reaches files: SQLite's own code for Unix, less all that it would do to evidence.
 *
 * SQLite makes -wal and -shm files beside a database that it only reads, deletes a log it thinks stale, gives
 * a -shm to the database's owner, follows names through links, and puts what it sorts into /var/tmp. Here:
 *
 *  1. Names are taken as they are, and only those below /proc/self/fd/: a directory that we hold open. No
 *     name that a database holds (a super-journal) reaches the host.
 *  2. Evidence is opened for reading alone; nothing of it is created, deleted or given away.
 *  3. Only regular files are opened, without waiting and, where it is allowed, without touching atime.
 *  4. Temporary files lie in the directory of vst_sqlite_vfs_scratch(); without one they cannot be made.
 *
 * Source: sqlite.org/c3ref/vfs.html; sqlite.org/walformat.html.
 */
#ifndef COLLECT_SQLITE_VFS_H
#define COLLECT_SQLITE_VFS_H

#define VST_SQLITE_VFS_SHARED "vestige-shared"   /* evidence that others may use now: with locks */
#define VST_SQLITE_VFS_PRIVATE "vestige-private" /* evidence that nobody uses: without */
#define VST_SQLITE_VFS_SCRATCH "vestige-scratch" /* our own copies; may be written */

/* Makes them known to SQLite; again and again does nothing. Returns SQLite's code. */
int vst_sqlite_vfs_register(void);

/* This thread's directory for temporary files; -1: none. Borrowed. */
void vst_sqlite_vfs_scratch(int directory_fd);

#endif
