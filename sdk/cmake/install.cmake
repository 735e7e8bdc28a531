# cmake --install <build> --component sdk --prefix <dir>: what find_package(ReelgateSDK) needs. Headers,
# so one package serves every architecture.
include(CMakePackageConfigHelpers)
set(REELGATE_SDK_VERSION 1.0.0) # major and minor of the ABI
set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/ReelgateSDK")

install(DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/include/reelgate" COMPONENT sdk
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
set_target_properties(reelgate_sdk_headers PROPERTIES EXPORT_NAME abi)
set_target_properties(reelgate_sdk PROPERTIES EXPORT_NAME sdk)
set_target_properties(reelgate_testing PROPERTIES EXPORT_NAME testing)
install(TARGETS reelgate_sdk_headers reelgate_sdk reelgate_testing EXPORT ReelgateSDKTargets COMPONENT sdk)
install(EXPORT ReelgateSDKTargets NAMESPACE Reelgate:: DESTINATION "${package_dir}" COMPONENT sdk)

configure_package_config_file("${CMAKE_CURRENT_SOURCE_DIR}/cmake/ReelgateSDKConfig.cmake.in"
  "${CMAKE_CURRENT_BINARY_DIR}/ReelgateSDKConfig.cmake" INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/ReelgateSDKConfigVersion.cmake"
  VERSION ${REELGATE_SDK_VERSION} COMPATIBILITY SameMajorVersion ARCH_INDEPENDENT)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/ReelgateSDKConfig.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/ReelgateSDKConfigVersion.cmake"
              cmake/ReelgatePlugin.cmake cmake/ReelgateSums.cmake cmake/reelgate_plugin.map
        DESTINATION "${package_dir}" COMPONENT sdk)
install(FILES python/reelgate_worker.py DESTINATION "${CMAKE_INSTALL_DATADIR}/reelgate/python"
        COMPONENT sdk)
