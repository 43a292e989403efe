// What LLVM's C API lacks for loading code.
#ifndef APUS_CLLVMLINKING_H
#define APUS_CLLVMLINKING_H

#include <llvm-c/LLJIT.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Creates a layer that links each object into memory of one piece, for
/// `LLVMOrcLLJITBuilderSetObjectLinkingLayerCreator`.
///
/// LLVM's own memory manager maps code and constants apart. If the system gives it addresses over 2 GiB from each other,
/// the linker (RuntimeDyld) cuts off the upper bits of the distance without a word.
LLVMOrcObjectLayerRef apusCreateLinkingLayer(void *context, LLVMOrcExecutionSessionRef session, const char *triple);

#ifdef __cplusplus
}
#endif

#endif
