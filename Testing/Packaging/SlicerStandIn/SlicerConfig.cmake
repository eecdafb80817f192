# Stands in for Slicer's package, with the same variables and macros as far as an extension of scripted modules uses
# them. A scripted module is copied to the build tree and installed from there, as Slicer's
# CMake/SlicerMacroBuildScriptedModule.cmake and CTK's CMake/ctkMacroCompilePythonScript.cmake do (without the .pyc).

set(Slicer_VERSION "5.12")
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR "lib/Slicer-${Slicer_VERSION}/qt-scripted-modules")
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR "./${Slicer_QTSCRIPTEDMODULES_LIB_DIR}")
set(Slicer_CLIMODULES_BIN_DIR "lib/Slicer-${Slicer_VERSION}/cli-modules")
set(Slicer_INSTALL_CLIMODULES_BIN_DIR "./${Slicer_CLIMODULES_BIN_DIR}")
set(Slicer_SHARE_DIR "share/Slicer-${Slicer_VERSION}")

set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/SlicerExtensionGenerateConfig.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/SlicerExtensionCPack.cmake")
