#%Module1.0
# mixsweep.tcl - a module for Environment Modules (and Lmod). Copy it to MODULES/mixsweep/VERSION
# and set the two places: where mixsweep was installed (cmake --install build/cpu --prefix ROOT),
# and the module of the MPI that it was built with.
set root /opt/mixsweep
set mpi  openmpi

proc ModulesHelp {} {
    puts stderr "mixsweep --help; man mixsweep. On this cluster: mixsweep submit CONFIG --nodes N"
}

module-whatis "large sweeps over mixed sample augmentation, with scores of interpretability"

prereq $mpi
prepend-path PATH $root/bin
prepend-path MANPATH $root/share/man
prepend-path PYTHONPATH $root/share/mixsweep/python
