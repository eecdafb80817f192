# Slicer's CMake/SlicerExtensionCPack.cmake: checks the extension's metadata and installs its description.

foreach(_file IN ITEMS EXTENSION_README_FILE EXTENSION_LICENSE_FILE)
  if(NOT EXISTS "${${_file}}")
    message(FATAL_ERROR "error: ${_file} points to an inexistent file: ${${_file}}")
  endif()
endforeach()

set(_description)
foreach(_key IN ITEMS DEPENDS HOMEPAGE CONTRIBUTORS CATEGORY ICONURL TIER DESCRIPTION SCREENSHOTURLS KEYWORDS)
  if("${EXTENSION_${_key}}" STREQUAL "")
    message(FATAL_ERROR "error: EXTENSION_${_key} is not set")
  endif()
  string(TOLOWER ${_key} _name)
  string(REPLACE ";" " " _value "${EXTENSION_${_key}}")
  string(APPEND _description "${_name} ${_value}\n")
endforeach()
file(WRITE "${CMAKE_BINARY_DIR}/${EXTENSION_NAME}.s4ext" "${_description}")
install(FILES "${CMAKE_BINARY_DIR}/${EXTENSION_NAME}.s4ext" DESTINATION "${Slicer_SHARE_DIR}"
  COMPONENT RuntimeLibraries)
