/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A program as small as can be, to be started. */
int main(void)
{
	return 0;
}
