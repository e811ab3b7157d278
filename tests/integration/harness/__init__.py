# SPDX-License-Identifier: Apache-2.0
"""What the integration tests are made of: a runner, the daemon, SIP by hand, SIPp."""
