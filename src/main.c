/* SPDX-License-Identifier: Apache-2.0 */
/* Verdict: everything begins with a subcommand; the daemon is `verdict run`, which calls daemon_run(). */
#include "cli/cli_main.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
