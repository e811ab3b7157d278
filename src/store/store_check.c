/* SPDX-License-Identifier: Apache-2.0 */
/* Looks where LMDB does not: at the two meta pages before the file is mapped (a file shorter than its last page would be
 * a SIGBUS at some later lookup), and at a leaf page's own order.  The layout is that of LMDB 0.9 (struct MDB_page's head, then struct MDB_meta). */
#include "store/store_file.h"
#include "store/store_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint32_t meta_magic = 0xBEEFC0DEu;
enum { META_VERSION = 1, META_COUNT = 2, META_LEN = 152, PAGE_MIN = 512, PAGE_MAX = 65536 };
/* Bytes from the start of a page. */
enum { AT_MAGIC = 16, AT_VERSION = 20, AT_MAP_BYTES = 32, AT_PAGE_BYTES = 40, AT_LAST_PAGE = 136, AT_TXN = 144 };

struct meta {
    uint32_t magic;
    uint32_t version;
    uint32_t page_bytes;
    uint64_t map_bytes;
    uint64_t last_page;
    uint64_t txn;
};

static enum err meta_read(int fd, off_t at, struct meta *out_meta)
{
    char page[META_LEN];
    if (pread(fd, page, sizeof(page), at) != (ssize_t)sizeof(page))
        return ERR_CORRUPT;
    memcpy(&out_meta->magic, page + AT_MAGIC, sizeof(out_meta->magic));
    memcpy(&out_meta->version, page + AT_VERSION, sizeof(out_meta->version));
    memcpy(&out_meta->map_bytes, page + AT_MAP_BYTES, sizeof(out_meta->map_bytes));
    memcpy(&out_meta->page_bytes, page + AT_PAGE_BYTES, sizeof(out_meta->page_bytes));
    memcpy(&out_meta->last_page, page + AT_LAST_PAGE, sizeof(out_meta->last_page));
    memcpy(&out_meta->txn, page + AT_TXN, sizeof(out_meta->txn));
    return OK;
}

static bool meta_is_sane(const struct meta *meta)
{
    bool power = (meta->page_bytes & (meta->page_bytes - 1)) == 0;
    return meta->magic == meta_magic && meta->version == META_VERSION && power && meta->page_bytes >= PAGE_MIN &&
           meta->page_bytes <= PAGE_MAX && meta->map_bytes < ((uint64_t)1 << 47) &&
           meta->last_page < ((uint64_t)1 << 40);
}

static enum err check_metas(int fd, uint64_t size, const char *path, struct fault *fault)
{
    struct meta metas[META_COUNT];
    if (meta_read(fd, 0, &metas[0]) != OK || !meta_is_sane(&metas[0]))
        return fault_set(fault, ERR_CORRUPT, path, 0, "not an LMDB file, or its first page is damaged");
    if (meta_read(fd, metas[0].page_bytes, &metas[1]) != OK || !meta_is_sane(&metas[1]) ||
        metas[1].page_bytes != metas[0].page_bytes)
        return fault_set(fault, ERR_CORRUPT, path, 0, "its second page is damaged");
    const struct meta *newest = metas[1].txn > metas[0].txn ? &metas[1] : &metas[0];
    uint64_t expected = (newest->last_page + 1) * newest->page_bytes;
    if (size < expected)
        return fault_set(fault, ERR_CORRUPT, path, 0, "cut short: %llu bytes, and its last page ends at %llu",
                         (unsigned long long)size, (unsigned long long)expected);
    return OK;
}

enum err store_check_file(const char *path, struct fault *fault)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fault_set(fault, store_errno(errno), path, 0, "cannot be opened: %s", strerror(errno));
    struct stat stat;
    enum err err;
    if (fstat(fd, &stat) != 0)
        err = fault_set(fault, store_errno(errno), path, 0, "cannot be read: %s", strerror(errno));
    else if (stat.st_size == 0)
        err = fault_set(fault, ERR_CORRUPT, path, 0, "the file is empty");
    else
        err = check_metas(fd, (uint64_t)stat.st_size, path, fault);
    close(fd);
    return err;
}

void store_fit_file(struct store *store)
{
    enum { SLACK = 1 << 20 };
    MDB_envinfo info;
    struct stat stat;
    int fd;
    if (mdb_env_info(store->env, &info) != 0 || mdb_env_get_fd(store->env, &fd) != 0 || fstat(fd, &stat) != 0)
        return;
    off_t used = (off_t)((info.me_last_pgno + 1) * store->page_bytes);
    /* Only ever longer, and sparse.  Were it to fail, a later start might call the file cut: wrong, but safe. */
    if (stat.st_size < used + SLACK / 2 && ftruncate(fd, used + SLACK) != 0)
        return;
}

static enum err complain(struct store *store, enum err err, const char *what)
{
    const char *path = "";
    (void)mdb_env_get_path(store->env, &path);
    log_limited(&store->complaints, 2, LOG_ERROR, "store", "%s/data.mdb %s; nothing is written to it any more", path,
                what);
    return err;
}

enum err store_check_place(struct store *store)
{
    struct stat stat;
    int fd;
    if (mdb_env_get_fd(store->env, &fd) != 0 || fstat(fd, &stat) != 0)
        return ERR_IO;
    if (stat.st_nlink == 0)
        return complain(store, ERR_IO, "was removed or replaced while it was in use");
    if (stat.st_size < store->file_bytes)
        return complain(store, ERR_CORRUPT, "was cut while it was in use");
    store->file_bytes = stat.st_size;
    return OK;
}

/* struct MDB_page: number, pad, flags, end of the table of entries, start of the entries; an entry (struct MDB_node) has
 * eight bytes before its key. */
enum { PAGE_AT_FLAGS = 10, PAGE_AT_LOWER = 12, PAGE_AT_UPPER = 14, PAGE_HEAD = 16, PAGE_LEAF = 2, NODE_HEAD = 8 };

static inline uint16_t load_u16(const char *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

bool store_page_is_sound(const char *page, size_t page_bytes, size_t key_at)
{
    size_t lower = load_u16(page + PAGE_AT_LOWER);
    size_t upper = load_u16(page + PAGE_AT_UPPER);
    if ((load_u16(page + PAGE_AT_FLAGS) & 0xf) != PAGE_LEAF || lower < PAGE_HEAD || upper < lower || upper > page_bytes)
        return false;
    unsigned strays = 0, found = 0;
    for (size_t at = PAGE_HEAD; at < lower; at += 2) {
        size_t node = load_u16(page + at);
        strays += node < upper || node > page_bytes - NODE_HEAD;
        found += node + NODE_HEAD == key_at;
    }
    return strays == 0 && found == 1;
}
