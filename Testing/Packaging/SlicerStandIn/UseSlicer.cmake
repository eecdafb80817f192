# Slicer's CMake/UseSlicer.cmake: the name and the tests of the extension, and the macros of its modules.

set(EXTENSION_NAME ${PROJECT_NAME})
include(CTest)

macro(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MY_SLICER "WITH_GENERIC_TESTS;WITH_SUBDIR;VERBOSE" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MY_SLICER_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "Unknown keywords given to slicerMacroBuildScriptedModule(): \"${MY_SLICER_UNPARSED_ARGUMENTS}\"")
  endif()
  if(NOT DEFINED MY_SLICER_NAME OR NOT DEFINED MY_SLICER_SCRIPTS)
    message(FATAL_ERROR "NAME and SCRIPTS are mandatory")
  endif()

  set(_module_dir "${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR}")
  set(_installed "${_module_dir}/")
  if(MY_SLICER_WITH_SUBDIR)
    get_filename_component(_subdir ${CMAKE_CURRENT_SOURCE_DIR} NAME)
    set(_module_dir "${_module_dir}/${_subdir}")
    set(_installed "${_module_dir}")
  endif()

  set(_copies)
  foreach(_file IN LISTS MY_SLICER_SCRIPTS MY_SLICER_RESOURCES)
    set(_source "${CMAKE_CURRENT_SOURCE_DIR}/${_file}")
    if(IS_ABSOLUTE "${_file}" OR NOT EXISTS "${_source}")
      message(FATAL_ERROR "slicerMacroBuildScriptedModule() given nonexistent file or directory '${_file}'")
    endif()
    add_custom_command(
      OUTPUT "${_module_dir}/${_file}"
      COMMAND ${CMAKE_COMMAND} -E copy "${_source}" "${_module_dir}/${_file}"
      DEPENDS "${_source}"
      )
    list(APPEND _copies "${_module_dir}/${_file}")
  endforeach()
  add_custom_target(Copy${MY_SLICER_NAME}PythonFiles ALL DEPENDS ${_copies})
  install(DIRECTORY "${_installed}" DESTINATION "${Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR}"
    COMPONENT RuntimeLibraries USE_SOURCE_PERMISSIONS)

  if(BUILD_TESTING AND MY_SLICER_WITH_GENERIC_TESTS)
    add_test(NAME "py_nomainwindow_qSlicer${MY_SLICER_NAME}ModuleGenericTest" COMMAND ${CMAKE_COMMAND} -E true)
  endif()
endmacro()

macro(slicer_add_python_unittest)
  cmake_parse_arguments(MY "" "TESTNAME_PREFIX;SCRIPT" "SLICER_ARGS" ${ARGN})
  if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${MY_SCRIPT}")
    message(FATAL_ERROR "slicer_add_python_unittest() given nonexistent file '${MY_SCRIPT}'")
  endif()
  get_filename_component(_test_name ${MY_SCRIPT} NAME_WE)
  add_test(NAME "py_${MY_TESTNAME_PREFIX}${_test_name}" COMMAND ${CMAKE_COMMAND} -E true)
endmacro()

# Slicer's CMake/SlicerMacroBuildScriptedCLI.cmake
macro(SlicerMacroBuildScriptedCLI)
  cmake_parse_arguments(LOCAL_SEM "NO_INSTALL;VERBOSE" "NAME;FOLDER" "" ${ARGN})
  if(LOCAL_SEM_UNPARSED_ARGUMENTS OR NOT DEFINED LOCAL_SEM_NAME)
    message(FATAL_ERROR "SlicerMacroBuildScriptedCLI() takes a NAME alone")
  endif()
  set(_files)
  foreach(_file IN ITEMS "${LOCAL_SEM_NAME}.py" "${LOCAL_SEM_NAME}.xml")
    if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${_file}")
      message(FATAL_ERROR "SlicerMacroBuildScriptedCLI() misses the file '${_file}'")
    endif()
    file(COPY "${CMAKE_CURRENT_SOURCE_DIR}/${_file}" DESTINATION "${CMAKE_BINARY_DIR}/${Slicer_CLIMODULES_BIN_DIR}")
    list(APPEND _files "${CMAKE_CURRENT_SOURCE_DIR}/${_file}")
  endforeach()
  install(FILES ${_files} DESTINATION "${Slicer_INSTALL_CLIMODULES_BIN_DIR}" COMPONENT Runtime)
endmacro()
