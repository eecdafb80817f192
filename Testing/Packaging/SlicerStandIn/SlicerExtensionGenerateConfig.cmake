# Slicer's CMake/SlicerExtensionGenerateConfig.cmake: what another extension finds in the build tree.
file(WRITE "${CMAKE_BINARY_DIR}/${EXTENSION_NAME}Config.cmake"
  "set(${EXTENSION_NAME}_SOURCE_DIR \"${CMAKE_SOURCE_DIR}\")\n")
