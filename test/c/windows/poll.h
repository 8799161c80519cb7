/* SPDX-License-Identifier: MIT */
#include "windows/sockets.h"
