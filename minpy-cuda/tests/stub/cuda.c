/* A CUDA driver without a GPU: memory is the host's, kernels compute nothing. Calls that need a context fail without one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int result;
typedef unsigned long long pointer;
enum { OUT_OF_MEMORY = 2, INVALID_CONTEXT = 201 };
#define CONTEXT if (!context) return INVALID_CONTEXT

static _Thread_local void *context;
static const size_t TOTAL = 64 << 20;
static size_t used;

result cuInit(unsigned flags) { return 0; }
result cuGetErrorName(result r, const char **text) { *text = "STUB"; return 0; }
result cuGetErrorString(result r, const char **text) { *text = "stub"; return 0; }
result cuDeviceGetCount(int *n) { *n = 2; return 0; }
result cuDeviceGet(int *device, int i) { *device = i; return 0; }
result cuDeviceGetName(char *name, int n, int device) { snprintf(name, n, "Stub %d", device); return 0; }
result cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = TOTAL; return 0; }
result cuDeviceGetAttribute(int *value, int attribute, int device) {
  switch (attribute) {
  case 1: *value = 1024; return 0;           /* threads of a block */
  case 8: *value = 48 << 10; return 0;       /* shared memory of a block */
  case 16: *value = 4; return 0;             /* multiprocessors */
  case 75: *value = device ? 6 : 9; return 0; /* compute capability: the second device is too old */
  default: *value = 0; return 0;
  }
}

result cuDevicePrimaryCtxRetain(void **c, int device) { *c = &used; return 0; }
result cuCtxSetCurrent(void *c) { context = c; return 0; }
result cuCtxSynchronize(void) { CONTEXT; return 0; }
result cuStreamCreate(void **stream, unsigned flags) { CONTEXT; *stream = &used; return 0; }
result cuStreamSynchronize(void *stream) { CONTEXT; return 0; }

/* A block begins with its size. */
enum { HEAD = 64 };
result cuMemAlloc_v2(pointer *p, size_t bytes) {
  CONTEXT;
  if (__atomic_add_fetch(&used, bytes, __ATOMIC_SEQ_CST) > TOTAL) {
    __atomic_sub_fetch(&used, bytes, __ATOMIC_SEQ_CST);
    return OUT_OF_MEMORY;
  }
  char *block = malloc(HEAD + bytes);
  *(size_t *)block = bytes;
  *p = (pointer)(block + HEAD);
  return 0;
}
result cuMemFree_v2(pointer p) {
  CONTEXT;
  char *block = (char *)p - HEAD;
  __atomic_sub_fetch(&used, *(size_t *)block, __ATOMIC_SEQ_CST);
  free(block);
  return 0;
}
static result copy(void *to, const void *from, size_t bytes) { CONTEXT; memcpy(to, from, bytes); return 0; }
result cuMemcpyHtoDAsync_v2(pointer to, const void *from, size_t n, void *stream) { return copy((void *)to, from, n); }
result cuMemcpyDtoHAsync_v2(void *to, pointer from, size_t n, void *stream) { return copy(to, (void *)from, n); }
result cuMemcpyDtoDAsync_v2(pointer to, pointer from, size_t n, void *stream) { return copy((void *)to, (void *)from, n); }
result cuMemsetD32Async(pointer to, unsigned value, size_t n, void *stream) {
  CONTEXT;
  for (size_t i = 0; i < n; i++) ((unsigned *)to)[i] = value;
  return 0;
}

result cuModuleLoadData(void **module, const void *image) { CONTEXT; *module = &used; return 0; }
result cuModuleGetFunction(void **function, void *module, const char *name) { CONTEXT; *function = module; return 0; }
result cuModuleUnload(void *module) { CONTEXT; return 0; }
/* A launch needs 2 MiB. */
result cuLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned x, unsigned y, unsigned z, unsigned shared,
                      void *stream, void **arguments, void **extra) {
  CONTEXT;
  return __atomic_load_n(&used, __ATOMIC_SEQ_CST) + (2 << 20) > TOTAL ? OUT_OF_MEMORY : 0;
}
