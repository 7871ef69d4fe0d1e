//===- FuzzArtifactLoader.cpp - Bytes into the artifact loader's checks ---===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
// Everything that is looked at before a file is mapped as code. The seeds in
// fuzz-artifact-loader/ are whole artifacts with and without a trailer.

extern "C" {
#include "elf_file.h"
}

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  sluice_error error;
  sluice_artifact_trailer trailer;
  sluice_find_trailer({data, size}, &trailer);
  sluice_check_file({data, size}, "input", &error);
  return 0;
}
