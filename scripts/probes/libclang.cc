// Tells whether bindgen will work here: finds libclang the way the `clang-sys` crate does, and has it read the headers
// that it needs. A file whose name begins with libclang is not enough (LLVM's own libclang-cpp is none), and neither is
// the library without the compiler's headers, which another package brings.
#include <dlfcn.h>
#include <glob.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

// From clang-c/Index.h, which is not here yet when this program is needed.
struct UnsavedFile {
  const char *name, *contents;
  unsigned long length;
};
using CreateIndex = void *(*)(int, int);
using ParseTranslationUnit = int (*)(void *, const char *, const char *const *, int, UnsavedFile *, unsigned, unsigned, void **);
using GetNumDiagnostics = unsigned (*)(void *);

static bool reads_headers(const std::string &path) {
  void *library = dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (!library) return false;
  auto create = reinterpret_cast<CreateIndex>(dlsym(library, "clang_createIndex"));
  auto parse = reinterpret_cast<ParseTranslationUnit>(dlsym(library, "clang_parseTranslationUnit2"));
  auto diagnostics = reinterpret_cast<GetNumDiagnostics>(dlsym(library, "clang_getNumDiagnostics"));
  if (!create || !parse || !diagnostics) return false;
  std::string source = "#include <stddef.h>\n#include <stdint.h>\n#include <stdlib.h>\nsize_t probe(uint64_t x);\n";
  UnsavedFile file = {"probe.h", source.c_str(), source.size()};
  void *unit = nullptr;
  return parse(create(0, 0), "probe.h", nullptr, 0, &file, 1, 0, &unit) == 0 && diagnostics(unit) == 0;
}

int main() {
  std::vector<std::string> folders;
  if (const char *path = std::getenv("LIBCLANG_PATH")) folders.push_back(path);
  for (const char *folder : {"/usr/local/llvm*/lib*", "/usr/local/lib*", "/usr/lib/llvm-*/lib*", "/usr/lib/*", "/usr/lib*"})
    folders.push_back(folder);
  for (const std::string &folder : folders) {
    for (const char *name : {"/libclang.so", "/libclang-[0-9]*.so*", "/libclang.so.*"}) {
      glob_t found;
      if (glob((folder + name).c_str(), 0, nullptr, &found) != 0) continue;
      for (size_t i = 0; i < found.gl_pathc; i++)
        if (reads_headers(found.gl_pathv[i])) return std::puts(found.gl_pathv[i]) < 0;
      globfree(&found);
    }
  }
  return 1;
}
