/* SPDX-License-Identifier: MIT
 *
 * The addon takes Node-API from "node.exe", which is called electron.exe or by the app's own name there. It is therefore looked up
 * when it is first used, and the program that runs stands in for it. node-gyp links the same for Microsoft's compiler, in C++
 * (win_delay_load_hook).
 */
#include <windows.h>
/* delayimp.h needs the types of windows.h */
#include <delayimp.h>
#include <string.h>

static FARPROC WINAPI on_load(unsigned event, PDelayLoadInfo about) {
  if (event != dliNotePreLoadLibrary || _stricmp(about->szDll, "node.exe") != 0) return NULL;
  return (FARPROC)(void (*)(void))GetModuleHandleW(NULL);
}

PfnDliHook __pfnDliNotifyHook2 = on_load;
