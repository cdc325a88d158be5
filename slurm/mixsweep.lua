-- mixsweep.lua - a module for Lmod. Copy it to MODULES/mixsweep/VERSION.lua and set the two
-- places: where mixsweep was installed (cmake --install build/cpu --prefix ROOT), and the module of
-- the MPI that it was built with.
local root = "/opt/mixsweep"
local mpi  = "openmpi"

whatis("Name: mixsweep")
whatis("Description: large sweeps over mixed sample augmentation, with scores of interpretability")
help([[mixsweep --help; man mixsweep. On this cluster: mixsweep submit CONFIG --nodes N]])

depends_on(mpi)
prepend_path("PATH", pathJoin(root, "bin"))
prepend_path("MANPATH", pathJoin(root, "share/man"))
prepend_path("PYTHONPATH", pathJoin(root, "share/mixsweep/python"))
