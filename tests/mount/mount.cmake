# What real mounts of real daemons must stand: io_exerciser does the input and output, mount_test.py runs it and
# everything else. `./dev stress` runs the long versions.
lockstep_executable(io_exerciser
  SOURCES mount/io_exerciser_main.cpp mount/io_exerciser.cpp mount/io_exerciser_operations.cpp
  LIBRARIES lockstep::base lockstep_test_support fmt::fmt)
