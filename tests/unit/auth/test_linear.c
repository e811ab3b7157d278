/* SPDX-License-Identifier: Apache-2.0 */
/* Costs of digest headers are linear in what an adversary can repeat. */
#include "support/linear.h"

#include "auth/auth_header.h"

static volatile size_t sink; /* so that no work is left out */

static void parse_header(struct span text)
{
    struct auth_header header;
    sink += (size_t)auth_header_parse(text, &header);
}

static const struct linear_construct constructs[] = {
    {"digest fields", parse_header, "Digest a=b", ", a=\"b\"", ""},
    {"escapes of a digest field", parse_header, "Digest a=\"", "\\\"", "\""},
    {"blanks of a digest field", parse_header, "Digest a", " \t", "=b"},
};

int main(int argc, char **argv)
{
    return linear_main(argc, argv, constructs, sizeof(constructs) / sizeof(constructs[0]));
}
