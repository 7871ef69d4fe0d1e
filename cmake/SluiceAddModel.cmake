# sluice_add_model(<target> MODEL <file.onnx>
#                  [SHARED] [NAME <identifier>] [OPTIONS <sluicec options>...]
#                  [DEPENDS <files>...])
#
# Compiles a model at build time. Linking <target> gives an application the
# compiled code, the runtime, and the typed header <name>.h; the name is the
# target's unless NAME says otherwise. SHARED makes a .so instead of code that
# becomes part of the application. DEPENDS lists files that the model refers to
# (external weights), so that a change compiles it again.
#
#   sluice_add_model(resnet50 MODEL resnet50.onnx OPTIONS --cpu=x86-64-v3)
#   target_link_libraries(app PRIVATE resnet50)
#
# With --kernels=onednn among the OPTIONS, <target> needs oneDNN (libdnnl).
#
# The property SLUICE_ARTIFACT of <target> is the path of the compiled file. With
# OPTIONS --weights-file=<name>, the property SLUICE_WEIGHTS is the path of the
# weights file: a program that links the model looks for it beside itself.
function(sluice_add_model target)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "SHARED" "MODEL;NAME"
    "OPTIONS;DEPENDS")
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR
      "sluice_add_model(${target}): unknown arguments: "
      "${ARG_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT ARG_MODEL)
    message(FATAL_ERROR "sluice_add_model(${target}): MODEL is missing")
  endif()
  get_filename_component(model "${ARG_MODEL}" ABSOLUTE)
  if(NOT EXISTS "${model}")
    message(FATAL_ERROR "sluice_add_model(${target}): no file '${model}'")
  endif()
  if(NOT ARG_NAME)
    set(ARG_NAME "${target}")
  endif()
  string(MAKE_C_IDENTIFIER "${ARG_NAME}" ARG_NAME)

  set(folder "${CMAKE_CURRENT_BINARY_DIR}/${target}.model")
  set(header "${folder}/${ARG_NAME}.h")
  if(ARG_SHARED)
    set(kind SHARED)
    set(artifact "${folder}/lib${ARG_NAME}.so")
  else()
    set(kind STATIC)
    set(artifact "${folder}/lib${ARG_NAME}.a")
  endif()
  set(weights "")
  foreach(option IN LISTS ARG_OPTIONS)
    if(option MATCHES "^--?weights-file=(.+)$")
      set(weights "${folder}/${CMAKE_MATCH_1}")
    endif()
  endforeach()
  file(MAKE_DIRECTORY "${folder}")
  add_custom_command(OUTPUT "${artifact}" "${header}" ${weights}
    COMMAND Sluice::sluicec "${model}" -o "${artifact}" "--name=${ARG_NAME}"
      ${ARG_OPTIONS}
    DEPENDS "${model}" ${ARG_DEPENDS} Sluice::sluicec
    COMMENT "Compiling the model ${ARG_MODEL}"
    VERBATIM)
  add_custom_target(${target}-artifact DEPENDS "${artifact}" "${header}")

  add_library(${target}-code ${kind} IMPORTED)
  set_target_properties(${target}-code PROPERTIES
    IMPORTED_LOCATION "${artifact}")
  add_library(${target} INTERFACE)
  # For #include "..." only: a model may be called like a header of the system.
  target_compile_options(${target} INTERFACE "SHELL:-iquote \"${folder}\"")
  target_link_libraries(${target} INTERFACE
    ${target}-code Sluice::runtime m)
  # Shared artifacts have what they need of it inside.
  if("--kernels=onednn" IN_LIST ARG_OPTIONS AND NOT ARG_SHARED)
    target_link_libraries(${target} INTERFACE Sluice::onednn)
  endif()
  set_target_properties(${target} PROPERTIES SLUICE_ARTIFACT "${artifact}"
    SLUICE_WEIGHTS "${weights}")
  add_dependencies(${target} ${target}-artifact)
endfunction()
