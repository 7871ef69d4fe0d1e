# Arguments: BUILD, SOURCE, WORK, C_COMPILER, CXX_COMPILER, FLAGS.

function(run name)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result
    OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${name} failed (${result}):\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(expect text)
  string(FIND "${output}" "${text}" position)
  if(position EQUAL -1)
    message(FATAL_ERROR "no '${text}' in:\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
run("The installation" ${CMAKE_COMMAND} --install ${BUILD}
  --prefix ${WORK}/prefix)
foreach(file README.md LICENSE docs/embedding.md)
  if(NOT EXISTS ${WORK}/prefix/share/doc/sluice/${file})
    message(FATAL_ERROR "the documentation was not installed: no ${file}")
  endif()
endforeach()
run("Configuring the examples" ${CMAKE_COMMAND} -G Ninja -S ${SOURCE}
  -B ${WORK}/build -DCMAKE_PREFIX_PATH=${WORK}/prefix
  -DCMAKE_C_COMPILER=${C_COMPILER} -DCMAKE_CXX_COMPILER=${CXX_COMPILER}
  "-DCMAKE_C_FLAGS=${FLAGS}" "-DCMAKE_CXX_FLAGS=${FLAGS}")
run("Building the examples" ${CMAKE_COMMAND} --build ${WORK}/build)

# The disc's outline: the picture's first and last rows are empty, and the row
# through its middle meets the outline twice.
run("The C example" ${WORK}/build/c/edges)
expect("................................................\n")
expect("####.......")
string(REGEX MATCHALL "#" marks "${output}")
list(LENGTH marks count)
if(count LESS 60 OR count GREATER 240)
  message(FATAL_ERROR "${count} edge pixels in:\n${output}")
endif()

# Each answer is the square of the number that is asked for.
run("The example with states" ${WORK}/build/recall/recall)
expect("1 stored, 0 is 0 and 0\n")
expect("8 stored, 3 is 9 and -9\n")
expect("full: output 'keys' would have length 9 along dimension 2, but input 'past_keys', whose state it is, has a capacity of 8")
expect("again, 3 is 30 and -30\n")

# Both ends of a text begin where the cache was when the beginning had been read,
# and what a model says follows from all of the text.
run("The example that writes" ${WORK}/build/generate/generate)
expect("gpt: Once upon a time in a land")
expect("llama: Once upon a time there was")
set(written "${output}")
run("The example that writes" ${WORK}/build/generate/generate)
if(NOT output STREQUAL written)
  message(FATAL_ERROR "two texts differ:\n${written}\n${output}")
endif()

# The same from one object file, without CMake's help.
run("Compiling to an object" ${WORK}/prefix/bin/sluicec
  ${SOURCE}/models/edges.onnx -o ${WORK}/edges.o)
separate_arguments(flags NATIVE_COMMAND "${FLAGS}")
file(GLOB runtime ${WORK}/prefix/lib*/libsluice_runtime.a)
run("Linking the object" ${C_COMPILER} -std=c11 ${flags} -I${WORK}
  -I${WORK}/prefix/include ${SOURCE}/c/main.c ${WORK}/edges.o ${runtime}
  -lpthread -ldl -lm -o ${WORK}/edges)
run("The C example" ${WORK}/build/c/edges)
set(fromArchive "${output}")
run("The C example from an object" ${WORK}/edges)
if(NOT output STREQUAL fromArchive)
  message(FATAL_ERROR "the object's results differ:\n${output}")
endif()

# Models that are called like a header of the system and like the runtime, in C
# and in C++.
set(program [[
#include <string.h>
#include "string.h"
#include "sluice.h"
int main(void) {
  static float in_image[24 * 48], out_edges[24 * 48];
  sluice_context *context;
  memset(in_image, 0, sizeof in_image);
  if (string_context(&context, NULL, NULL) != SLUICE_OK)
    return 1;
  int failed = string_run(context, in_image, out_edges) != SLUICE_OK;
  sluice_context_destroy(context);
  if (model_sluice_context(&context, NULL, NULL) != SLUICE_OK)
    return 1;
  failed |= model_sluice_run(context, in_image, out_edges) != SLUICE_OK;
  sluice_context_destroy(context);
  return failed;
}
]])
file(WRITE ${WORK}/names/main.c "${program}")
file(WRITE ${WORK}/names/main.cpp "${program}")
file(WRITE ${WORK}/names/CMakeLists.txt "
cmake_minimum_required(VERSION 3.25)
project(Names LANGUAGES C CXX)
find_package(Sluice REQUIRED)
sluice_add_model(string MODEL ${SOURCE}/models/edges.onnx)
sluice_add_model(other NAME sluice MODEL ${SOURCE}/models/edges.onnx)
foreach(language c cpp)
  add_executable(\${language} main.\${language})
  target_link_libraries(\${language} PRIVATE string other)
endforeach()
")
run("Configuring odd names" ${CMAKE_COMMAND} -G Ninja -S ${WORK}/names
  -B ${WORK}/names/build -DCMAKE_PREFIX_PATH=${WORK}/prefix
  -DCMAKE_C_COMPILER=${C_COMPILER} -DCMAKE_CXX_COMPILER=${CXX_COMPILER}
  "-DCMAKE_C_FLAGS=${FLAGS}" "-DCMAKE_CXX_FLAGS=${FLAGS}")
run("Building odd names" ${CMAKE_COMMAND} --build ${WORK}/names/build)
run("Odd names in C" ${WORK}/names/build/c)
run("Odd names in C++" ${WORK}/names/build/cpp)

if(NOT EXISTS ${WORK}/build/cpp/edges-shared.model/edges.weights)
  message(FATAL_ERROR "the weights file was not written")
endif()
# A vertical edge is two pixels wide, in each of the 22 inner rows.
run("The C++ example" ${WORK}/build/cpp/edges-threads
  ${WORK}/build/cpp/edges-shared.model/libedges.so)
expect("input image: f32[1,1,24,48]")
foreach(thread RANGE 3)
  expect("thread ${thread}: 44 edge pixels")
endforeach()
