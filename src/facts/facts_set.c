/* SPDX-License-Identifier: Apache-2.0 */
/* Sets by kind: reading a file's lines into texts or ranges, and asking them. */
#include "facts/facts_set.h"
#include "facts/facts_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LENGTH_WORDS = (FACTS_ENTRY_MAX + 64) / 64, LOOKUP_BYTES = 64 };

struct facts_set {
    _Atomic size_t references;
    enum facts_set_kind kind;
    size_t count;
    struct facts_texts texts;       /* strings, domains, prefixes */
    struct facts_ranges ranges;     /* ranges, cidrs */
    uint64_t lengths[LENGTH_WORDS]; /* of prefixes: which lengths there are, a bit each */
};

static bool has_ranges(enum facts_set_kind kind)
{
    return kind == FACTS_RANGES || kind == FACTS_CIDRS;
}

const char *facts_set_kind_name(enum facts_set_kind kind)
{
    static const char *const names[FACTS_SET_KIND_COUNT] = {"strings", "ranges", "cidrs", "domains", "prefixes"};
    return (unsigned)kind < FACTS_SET_KIND_COUNT ? names[kind] : "unknown";
}

/* The next line without its white space; false at the end. */
static bool next_line(struct span *text, struct span *out_line)
{
    if (text->len == 0)
        return false;
    size_t end = span_find(*text, '\n');
    *out_line = span_trim(span_slice(*text, 0, end));
    *text = span_slice(*text, end < text->len ? end + 1 : end, text->len);
    return true;
}

static bool is_entry(struct span line)
{
    return line.len && line.at[0] != '#';
}

static struct span without_remark(struct span line)
{
    return span_trim(span_slice(line, 0, span_find(line, ',')));
}

/* "*.example.com" is kept as ".example.com", "example.com" as itself: both are ends of the names that they cover. */
static const char *add_domain(struct facts_set *set, struct span entry)
{
    char key[FACTS_ENTRY_MAX + 2] = ".";
    size_t len;
    bool below = entry.len > 2 && entry.at[0] == '*' && entry.at[1] == '.';
    struct span name = below ? span_slice(entry, 2, entry.len) : entry;
    if (!facts_domain_key(name, key + 1, &len))
        return "expected a domain as \"example.com\" or \"*.example.com\"";
    facts_texts_add(&set->texts, below ? span_make(key, len + 1) : span_make(key + 1, len));
    return NULL;
}

/* NULL, or what was expected; *out_err for what is not the entry's fault. */
static const char *add_entry(struct facts_set *set, struct span line, enum err *out_err)
{
    *out_err = OK;
    switch (set->kind) {
    case FACTS_RANGES:
        return facts_number_add(&set->ranges, without_remark(line), out_err);
    case FACTS_CIDRS:
        return facts_cidr_add(&set->ranges, without_remark(line), out_err);
    case FACTS_DOMAINS:
        return add_domain(set, without_remark(line));
    default:
        break;
    }
    if (line.len > FACTS_ENTRY_MAX)
        return "expected at most 255 bytes";
    facts_texts_add(&set->texts, line);
    set->lengths[line.len / 64] |= (uint64_t)1 << line.len % 64;
    return NULL;
}

static enum err read_lines(struct facts_set *set, const char *file, struct span text, struct fault *fault)
{
    struct span line;
    for (int number = 1; next_line(&text, &line); number++) {
        if (!is_entry(line))
            continue;
        if (set->count++ == FACTS_SET_MAX)
            return fault_set(fault, ERR_FULL, file, number, "expected at most %d entries", FACTS_SET_MAX);
        enum err err;
        const char *expected = add_entry(set, line, &err);
        if (expected)
            return fault_set(fault, ERR_SYNTAX, file, number, "%s: %s, got \"%.*s\"", facts_set_kind_name(set->kind),
                             expected, line.len > 60 ? 60 : (int)line.len, line.at);
        if (err != OK)
            return fault_set(fault, err, file, number, "%s", err_text(err));
    }
    return OK;
}

/* Texts are counted first: their table never grows. */
static enum err prepare(struct facts_set *set, struct span text)
{
    if (has_ranges(set->kind)) {
        facts_ranges_init(&set->ranges, set->kind == FACTS_RANGES ? 1 : 2);
        return OK;
    }
    size_t count = 0, bytes = 0;
    struct span line;
    while (next_line(&text, &line)) {
        count += is_entry(line);
        bytes += is_entry(line) ? line.len : 0;
    }
    return facts_texts_init(&set->texts, count, bytes);
}

static void set_free(struct facts_set *set)
{
    facts_texts_done(&set->texts);
    facts_ranges_done(&set->ranges);
    free(set);
}

enum err facts_set_from_memory(enum facts_set_kind kind, const char *file, struct span text, struct facts_set **out_set,
                               struct fault *fault)
{
    struct facts_set *set = calloc(1, sizeof(*set));
    if (!set)
        return fault_set(fault, ERR_NOMEM, file, 0, "%s", err_text(ERR_NOMEM));
    set->kind = kind;
    atomic_init(&set->references, 1);
    enum err err = prepare(set, text);
    if (err != OK) {
        fault_set(fault, err, file, 0, "%s", err_text(err));
        goto fail;
    }
    err = read_lines(set, file, text, fault);
    if (err != OK)
        goto fail;
    if (has_ranges(kind) && (err = facts_ranges_close(&set->ranges)) != OK) {
        fault_set(fault, err, file, 0, "%s", err_text(err));
        goto fail;
    }
    *out_set = set;
    return OK;
fail:
    set_free(set);
    return err;
}

/* The whole file; a map would end the process when the file is cut while it is read. */
static enum err read_file(const char *path, char **out_bytes, size_t *out_len, struct fault *fault)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        fault_set(fault, ERR_IO, path, 0, "cannot be read: %s", fd < 0 ? strerror(errno) : "it is no regular file");
        if (fd >= 0)
            close(fd);
        return ERR_IO;
    }
    char *bytes = malloc((size_t)info.st_size + 1);
    size_t len = 0;
    ssize_t got = bytes ? 1 : -1;
    while (got > 0 && len < (size_t)info.st_size) {
        got = read(fd, bytes + len, (size_t)info.st_size - len);
        len += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    if (got < 0) {
        enum err err = bytes ? ERR_IO : ERR_NOMEM;
        free(bytes);
        fault_set(fault, err, path, 0, "cannot be read: %s", err_text(err));
        return err;
    }
    *out_bytes = bytes;
    *out_len = len;
    return OK;
}

enum err facts_set_from_file(enum facts_set_kind kind, const char *path, struct facts_set **out_set,
                             struct fault *fault)
{
    char *bytes = NULL;
    size_t len = 0;
    enum err err = read_file(path, &bytes, &len, fault);
    if (err != OK)
        return err;
    err = facts_set_from_memory(kind, path, span_make(bytes, len), out_set, fault);
    free(bytes);
    return err;
}

static void unref_made(void *set)
{
    facts_set_unref(set);
}

enum err facts_set_from_source(enum facts_set_kind kind, const struct source *source, const struct source_file *file,
                               struct facts_set **out_set, struct fault *fault)
{
    struct facts_set *set = source_made(source, file, (int)kind);
    if (set) {
        *out_set = facts_set_ref(set);
        return OK;
    }
    enum err err = facts_set_from_memory(kind, file->name, file->bytes, &set, fault);
    if (err != OK)
        return err;
    const struct source_made made = {(int)kind, facts_set_ref(set), unref_made};
    if (!source_keep(source, file, &made))
        facts_set_unref(set);
    *out_set = set;
    return OK;
}

struct facts_set *facts_set_ref(struct facts_set *set)
{
    if (set)
        atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    return set;
}

void facts_set_unref(struct facts_set *set)
{
    if (set && atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) == 1)
        set_free(set);
}

enum facts_set_kind facts_set_kind(const struct facts_set *set)
{
    return set->kind;
}

size_t facts_set_count(const struct facts_set *set)
{
    return set->count;
}

size_t facts_set_bytes(const struct facts_set *set)
{
    size_t bytes = has_ranges(set->kind) ? facts_ranges_bytes(&set->ranges) : facts_texts_bytes(&set->texts);
    return sizeof(*set) + bytes;
}

/* The name itself, then what follows each of its dots, with the dot and without. */
static bool has_domain(const struct facts_set *set, struct span name)
{
    char key[FACTS_ENTRY_MAX + 1];
    size_t len;
    if (!facts_domain_key(name, key, &len))
        return false;
    if (facts_texts_has(&set->texts, span_make(key, len)))
        return true;
    for (size_t i = 0; i < len; i++) {
        struct span rest = span_make(key + i, len - i);
        if (key[i] == '.' &&
            (facts_texts_has(&set->texts, rest) || facts_texts_has(&set->texts, span_slice(rest, 1, rest.len))))
            return true;
    }
    return false;
}

static bool has_prefix(const struct facts_set *set, struct span key)
{
    size_t most = key.len < FACTS_ENTRY_MAX ? key.len : FACTS_ENTRY_MAX;
    for (size_t len = 1; len <= most; len++)
        if (set->lengths[len / 64] >> len % 64 & 1 && facts_texts_has(&set->texts, span_slice(key, 0, len)))
            return true;
    return false;
}

size_t facts_set_cost(const struct facts_set *set, size_t len)
{
    size_t n = len < FACTS_ENTRY_MAX ? len : FACTS_ENTRY_MAX;
    bool pieces = set->kind == FACTS_DOMAINS || set->kind == FACTS_PREFIXES;
    return LOOKUP_BYTES + (pieces ? n * n / 4 : 0) + (has_ranges(set->kind) ? n : len);
}

bool facts_set_has(const struct facts_set *set, struct span key)
{
    uint64_t words[2];
    switch (set->kind) {
    case FACTS_RANGES:
        return facts_number_key(key, words) && facts_ranges_has(&set->ranges, words);
    case FACTS_CIDRS:
        return facts_address_key(key, words) && facts_ranges_has(&set->ranges, words);
    case FACTS_DOMAINS:
        return has_domain(set, key);
    case FACTS_PREFIXES:
        return has_prefix(set, key);
    default:
        return facts_texts_has(&set->texts, key);
    }
}
