/* SPDX-License-Identifier: Apache-2.0 */
/* verdict directory passwd: the password comes from the terminal without echo, or from standard input; it never stands on a
 * command line, and never leaves this process: what is stored, and what goes through the socket, are its HA1s. */
#include "auth/auth_response.h"
#include "cli/cli_directory.h"
#include "entry/entry_name.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { PASSWORD_MAX = 256 };

/* The first line of `fd` without its end.  Byte by byte: what follows is not ours. */
static enum err read_line(int fd, char out[PASSWORD_MAX + 1], struct fault *fault)
{
    size_t len = 0;
    char byte = '\0';
    for (;;) {
        ssize_t got = read(fd, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fault_set(fault, ERR_IO, NULL, 0, "the password cannot be read: %s", strerror(errno));
        if (got == 0 || byte == '\n')
            break;
        if (len == PASSWORD_MAX || byte == '\0')
            return fault_set(fault, ERR_INVALID, NULL, 0, "expected a password of at most %d bytes, without NUL",
                             PASSWORD_MAX);
        out[len++] = byte;
    }
    if (len && out[len - 1] == '\r')
        len--;
    out[len] = '\0';
    return len ? OK : fault_set(fault, ERR_INVALID, NULL, 0, "the password is empty; --clear takes one away");
}

/* Signals that would leave the terminal without its echo wait until it has it again. */
static enum err ask_terminal(const char *prompt, char out[PASSWORD_MAX + 1], struct fault *fault)
{
    struct termios was, quiet;
    sigset_t signals, before;
    if (tcgetattr(STDIN_FILENO, &was) != 0)
        return fault_set(fault, ERR_IO, NULL, 0, "the terminal cannot be asked: %s", strerror(errno));
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGTSTP);
    sigprocmask(SIG_BLOCK, &signals, &before);
    quiet = was;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    quiet.c_lflag |= ECHONL;
    enum err err = OK;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) != 0)
        err = fault_set(fault, ERR_IO, NULL, 0, "the terminal's echo cannot be turned off");
    if (err == OK) {
        (void)fputs(prompt, stderr); /* now that nothing typed is shown, or thrown away any more */
        err = read_line(STDIN_FILENO, out, fault);
    }
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &was);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return err;
}

static enum err read_password(char out[PASSWORD_MAX + 1], struct fault *fault)
{
    char again[PASSWORD_MAX + 1] = "";
    if (!isatty(STDIN_FILENO))
        return read_line(STDIN_FILENO, out, fault);
    enum err err = ask_terminal("Password: ", out, fault);
    if (err == OK)
        err = ask_terminal("Again: ", again, fault);
    if (err == OK && strcmp(out, again) != 0)
        err = fault_set(fault, ERR_INVALID, NULL, 0, "the two are not the same");
    explicit_bzero(again, sizeof(again));
    return err;
}

enum err cli_directory_passwd(struct cli_directory_ask *ask, struct fault *fault)
{
    char password[PASSWORD_MAX + 1] = "";
    struct entry_name name;
    struct span user, realm;
    enum err err = entry_name_parse(span_of(ask->key), ENTRY_KIND_COUNT, &name, fault);
    if (err != OK)
        return err;
    if (!entry_name_account_parts(entry_name_span(&name), &user, &realm))
        return fault_set(fault, ERR_INVALID, NULL, 0, "a password belongs to an account, sip:user@host");
    if (ask->values->clear)
        return OK;
    err = read_password(password, fault);
    for (int kind = 0; err == OK && kind < DIGEST_KIND_COUNT; kind++) {
        unsigned char ha1[DIGEST_MAX];
        err = auth_response_ha1((enum digest_kind)kind, user, realm, span_of(password), ha1);
        if (err == ERR_UNSUPPORTED) { /* MD5 where only FIPS algorithms are allowed: then it is not offered either */
            err = OK;
            continue;
        }
        if (err != OK)
            (void)fault_set(fault, err, NULL, 0, "no digest can be made: %s", err_text(err));
        memcpy(ask->ha1_bytes[kind], ha1, sizeof(ha1));
        ask->ha1[kind] = span_make(ask->ha1_bytes[kind], err == OK ? digest_len((enum digest_kind)kind) : 0);
    }
    explicit_bzero(password, sizeof(password));
    return err;
}
