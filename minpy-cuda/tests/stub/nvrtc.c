/* A compiler that compiles nothing, or refuses to, and knows devices of compute capability 7.5 and 9.0. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef int result;
static const char CODE[8] = "\177ELF";

const char *nvrtcGetErrorString(result r) { return "stub"; }
result nvrtcVersion(int *major, int *minor) { *major = 13; *minor = 0; return 0; }
result nvrtcGetNumSupportedArchs(int *n) { *n = 2; return 0; }
result nvrtcGetSupportedArchs(int *list) { list[0] = 75; list[1] = 90; return 0; }
result nvrtcCreateProgram(void **program, const char *text, const char *name, int n, const char *const *headers,
                          const char *const *names) {
  *program = (void *)CODE;
  return 0;
}
result nvrtcCompileProgram(void *program, int n, const char *const *options) {
  return getenv("STUB_COMPILES")[0] == '1' ? 0 : 6;
}
result nvrtcGetProgramLogSize(void *program, size_t *bytes) { *bytes = 1; return 0; }
result nvrtcGetProgramLog(void *program, char *log) { *log = 0; return 0; }
result nvrtcGetCUBINSize(void *program, size_t *bytes) { *bytes = sizeof CODE; return 0; }
result nvrtcGetCUBIN(void *program, char *code) { memcpy(code, CODE, sizeof CODE); return 0; }
result nvrtcDestroyProgram(void **program) { return 0; }
