# `cmake --install`: programs, manuals, completions, units and what belongs beside them. Debian packages are cut from it.
# Under a prefix other than /usr the units still start /usr/bin/lockstepd: change them, or use systemctl edit.
include(GNUInstallDirs)

set(LOCKSTEP_MADE ${CMAKE_BINARY_DIR}/installed)
find_program(LOCKSTEP_SCDOC scdoc)

# lockstep_manual(PAGE SOURCE [COMMAND...]): PAGE is "lockstep.1"; the source's text is what the command prints, or the file.
function(lockstep_manual page)
  set(source ${CMAKE_SOURCE_DIR}/installers/man/${page}.scd)
  set(made ${LOCKSTEP_MADE}/${page})
  if(ARGN)
    set(print ${ARGN} ${source})
  else()
    set(print cat ${source})
  endif()
  add_custom_command(OUTPUT ${made} VERBATIM
    COMMAND ${CMAKE_COMMAND} -E make_directory ${LOCKSTEP_MADE}
    COMMAND ${print} > ${made}.scd
    COMMAND ${LOCKSTEP_SCDOC} < ${made}.scd > ${made}
    DEPENDS ${source} ${CMAKE_SOURCE_DIR}/installers/man/verbs.py)
  string(REGEX MATCH "[0-9]$" section ${page})
  install(FILES ${made} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT manuals OPTIONAL)
  set(LOCKSTEP_MANUALS ${LOCKSTEP_MANUALS} ${made} PARENT_SCOPE)
endfunction()

# lockstep_completion(SHELL DIRECTORY NAME)
function(lockstep_completion shell directory name)
  set(made ${LOCKSTEP_MADE}/completion.${shell})
  add_custom_command(OUTPUT ${made} VERBATIM
    COMMAND ${CMAKE_COMMAND} -E make_directory ${LOCKSTEP_MADE}
    COMMAND lockstep completion ${shell} > ${made}
    DEPENDS lockstep)
  install(FILES ${made} DESTINATION ${CMAKE_INSTALL_DATADIR}/${directory} RENAME ${name} COMPONENT manuals OPTIONAL)
  set(LOCKSTEP_COMPLETIONS ${LOCKSTEP_COMPLETIONS} ${made} PARENT_SCOPE)
endfunction()

# What was not built is left out; packages name what they must have.
install(TARGETS lockstepd lockstep lockstep-relay RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} OPTIONAL)
if(TARGET lockstep-gui)
  install(TARGETS lockstep-gui RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES installers/desktop/lockstep-gui.desktop DESTINATION ${CMAKE_INSTALL_DATADIR}/applications)
  install(FILES installers/desktop/lockstep-gui.metainfo.xml DESTINATION ${CMAKE_INSTALL_DATADIR}/metainfo)
  install(FILES gui/resources/icons/lockstep.svg DESTINATION ${CMAKE_INSTALL_DATADIR}/icons/hicolor/scalable/apps
    RENAME lockstep-gui.svg)
endif()

set(installers ${CMAKE_SOURCE_DIR}/installers)
install(FILES ${installers}/systemd/lockstepd.service ${installers}/systemd/lockstepd.socket DESTINATION lib/systemd/user)
install(FILES ${installers}/systemd/lockstepd@.service ${installers}/systemd/lockstepd-no-mount@.service
  ${installers}/systemd/lockstep-relay.service DESTINATION lib/systemd/system)
install(FILES ${installers}/systemd/lockstep.sysusers DESTINATION lib/sysusers.d RENAME lockstep.conf)
install(FILES ${installers}/systemd/lockstep-relay.sysusers DESTINATION lib/sysusers.d RENAME lockstep-relay.conf)
install(FILES ${installers}/sysctl/50-lockstep.conf DESTINATION lib/sysctl.d)
install(FILES ${installers}/firewalld/lockstep.xml ${installers}/firewalld/lockstep-relay.xml DESTINATION lib/firewalld/services)
install(FILES ${installers}/ufw/lockstep ${installers}/ufw/lockstep-relay DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/ufw/applications.d)
install(FILES ${installers}/relay/relay.toml DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/lockstep-relay)
install(FILES ${installers}/file-managers/nautilus/lockstep-nautilus.py DESTINATION ${CMAKE_INSTALL_DATADIR}/nautilus-python/extensions)
install(DIRECTORY ${installers}/file-managers/nautilus/icons/ DESTINATION ${CMAKE_INSTALL_DATADIR}/icons/hicolor/scalable/emblems)
install(FILES ${installers}/file-managers/dolphin/lockstep.desktop DESTINATION ${CMAKE_INSTALL_DATADIR}/kio/servicemenus)
install(PROGRAMS ${installers}/file-managers/dolphin/file-menu DESTINATION libexec/lockstep)
foreach(place prometheus/lockstep-relay.rules.yml grafana/lockstep-relay.json)
  install(FILES ${installers}/${place} DESTINATION ${CMAKE_INSTALL_DATADIR}/lockstep-relay)
endforeach()
foreach(place prometheus/lockstepd.rules.yml grafana/lockstepd.json)
  install(FILES ${installers}/${place} DESTINATION ${CMAKE_INSTALL_DATADIR}/lockstep)
endforeach()

# Apart from `all`: whoever only builds and tests needs neither scdoc nor the wait.
if(LOCKSTEP_SCDOC)
  lockstep_manual(lockstep.1 python3 ${installers}/man/verbs.py $<TARGET_FILE:lockstep>)
  foreach(page lockstepd.1 lockstep-gui.1 lockstep-relay.1 lockstep-config.5)
    lockstep_manual(${page})
  endforeach()
  lockstep_completion(bash bash-completion/completions lockstep)
  lockstep_completion(zsh zsh/vendor-completions _lockstep)
  lockstep_completion(fish fish/vendor_completions.d lockstep.fish)
  add_custom_target(manuals DEPENDS ${LOCKSTEP_MANUALS} ${LOCKSTEP_COMPLETIONS})
  add_dependencies(manuals lockstep)
endif()
