# How Sluice's own libraries and tools are declared.
#
#   add_sluice_library(SluiceFoo A.cpp B.cpp DEPENDS <tablegen targets> LINK <libraries>)
#   add_sluice_tool(sluice-foo main.cpp LINK <libraries>)
#   add_sluice_tablegen(SluiceFooIncGen <file.td> <mlir-tblgen arguments and outputs>...)
#   remove_instrumentation(foo)  for what is part of artifacts
#
# Every library links the shared MLIR and LLVM libraries. MLIR's headers cost
# about ten seconds per file to parse, so all libraries share one precompiled
# header; sources still include what they use, and the build works without it
# (-DSLUICE_ENABLE_PCH=OFF).

option(SLUICE_ENABLE_PCH "Precompile the MLIR headers" ON)

add_library(sluice_options INTERFACE)
target_include_directories(sluice_options INTERFACE
  ${CMAKE_SOURCE_DIR}/include
  ${CMAKE_BINARY_DIR}/include
  ${CMAKE_SOURCE_DIR}
  ${CMAKE_BINARY_DIR}
  ${CMAKE_SOURCE_DIR}/runtime/include)
target_include_directories(sluice_options SYSTEM INTERFACE
  ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
separate_arguments(SLUICE_LLVM_DEFINITIONS NATIVE_COMMAND "${LLVM_DEFINITIONS}")
target_compile_definitions(sluice_options INTERFACE
  ${SLUICE_LLVM_DEFINITIONS} SLUICE_VERSION="${PROJECT_VERSION}")
target_compile_options(sluice_options INTERFACE
  -Wall -Wextra -Wno-unused-parameter $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-comment>)
target_link_libraries(sluice_options INTERFACE MLIR LLVM)

set(SLUICE_FUZZER_COVERAGE inline-8bit-counters,indirect-calls,trace-cmp,pc-table)

# Artifacts contain this target's code, but no sanitizer's runtime.
function(remove_instrumentation target)
  target_compile_options(${target} PRIVATE -fno-sanitize=all)
  if(SLUICE_ENABLE_FUZZERS)
    target_compile_options(${target} PRIVATE
      -fno-sanitize-coverage=${SLUICE_FUZZER_COVERAGE})
  endif()
endfunction()

# One precompiled header for libraries and programs: both as -fPIC.
set(CMAKE_C_COMPILE_OPTIONS_PIE -fPIC)
set(CMAKE_CXX_COMPILE_OPTIONS_PIE -fPIC)

if(SLUICE_ENABLE_PCH)
  file(WRITE ${CMAKE_BINARY_DIR}/SluicePch.cpp
    "// Carries the shared precompiled header.\n")
  add_library(sluice_pch OBJECT ${CMAKE_BINARY_DIR}/SluicePch.cpp)
  target_link_libraries(sluice_pch PRIVATE sluice_options)
  target_precompile_headers(sluice_pch PRIVATE
    ${CMAKE_SOURCE_DIR}/cmake/PrecompiledMLIR.h)
endif()

function(add_sluice_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC sluice_options ${ARG_LINK})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  if(SLUICE_ENABLE_PCH)
    target_precompile_headers(${name} REUSE_FROM sluice_pch)
  endif()
endfunction()

function(add_sluice_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE sluice_options ${ARG_LINK})
  if(SLUICE_ENABLE_PCH)
    target_precompile_headers(${name} REUSE_FROM sluice_pch)
  endif()
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# add_sluice_tablegen(target file.td [-gen-flag output]...)
function(add_sluice_tablegen target td)
  set(LLVM_TARGET_DEFINITIONS ${td})
  set(outputs "")
  set(arguments ${ARGN})
  while(arguments)
    list(POP_FRONT arguments output flags)
    string(REPLACE " " ";" flags "${flags}")
    mlir_tablegen(${output} ${flags}
      EXTRA_INCLUDES ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include
        ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  endwhile()
  add_public_tablegen_target(${target})
endfunction()
