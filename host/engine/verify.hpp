// What a provider left becomes a film that was opened, counted, made playable and held against what
// was promised. Everything here BLOCKS and belongs on the pool.
#pragma once

#include "host/engine/attempt.hpp"

namespace reelgate {

// The last offer that a film can be made of, if there is one.
const ArtifactOffer* film_among(const std::vector<ArtifactOffer>& offers, const Request& request);

// Copies it out of the provider's reach, decodes it to its end, makes an MP4 of it where browsers
// would not play it, and compares it with the promise. Where the plan wants pictures they are made
// too; what fails there is a note. Codes: those of copy_from_work_dir(), probe_media() and
// convert_media(), and `deviates`.
Result<VerifiedVideo>
verify_film(const MediaTool& media, const AttemptPlan& plan, const ArtifactOffer& offer);

} // namespace reelgate
