// A verified film, its pictures and its summary get their place among the finished files.
#pragma once

#include "host/engine/attempt.hpp"
#include "host/store/artifact_store.hpp"

namespace reelgate {

// `done` is the job as it will be stored; it gets its artifact, and what its summary says. A
// picture that cannot be kept is a warning. Called again where there was no room on the disk, it
// goes on with what is missing. BLOCKS: call it on the pool.
Result<Done> adopt_film(const ArtifactStore& artifacts, const VerifiedVideo& film, Job& done);

} // namespace reelgate
