#if !__has_include(<llvm-c/Core.h>)
#error "Apus needs the headers of LLVM 14 or later (on Debian and Ubuntu: llvm-dev). They are neither where compilers \
look, nor in /usr/lib/llvm-N, /usr/lib64/llvmN, /usr/lib/llvmN or Homebrew's folders of llvm and llvm@N. If they lie \
elsewhere, name the folder that has include/llvm-c: APUS_LLVM=/some/folder swift build"
#else
// Only the parts of LLVM's C API that Apus calls.
#include <llvm-c/Analysis.h>
#include <llvm-c/Core.h>
#include <llvm-c/Error.h>
#include <llvm-c/Support.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <llvm/Config/llvm-config.h>

#if LLVM_VERSION_MAJOR < 14
#error "Apus needs LLVM 14 or later, and these headers are older. With several, choose one: APUS_LLVM=19 swift build"
#endif

/// The version of these headers; of the macro Swift would say that branches on it are never taken.
static inline int llvmHeadersVersion(void) { return LLVM_VERSION_MAJOR; }
#endif
