# Static libraries for the addon: release only, everything inside one file, and none of their names shown to the host.
set(VCPKG_TARGET_ARCHITECTURE x64)
set(VCPKG_CRT_LINKAGE dynamic)
set(VCPKG_LIBRARY_LINKAGE static)
set(VCPKG_BUILD_TYPE release)
set(VCPKG_CMAKE_SYSTEM_NAME Linux)
set(VCPKG_C_FLAGS "-fPIC -fvisibility=hidden -fstack-protector-strong")
set(VCPKG_CXX_FLAGS "-fPIC -fvisibility=hidden -fstack-protector-strong")
