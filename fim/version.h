/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FIM_VERSION_H
#define FIM_VERSION_H

#define TOCSIN_VERSION "0.1.0"

#endif
