//! What the fuzz targets share: the functions in one process, providers that answer whatever the fuzzer
//! says, genuine tokens and seals, and the properties that every answer has.
//!
//! | module | purpose |
//! |---|---|
//! | [`functions`] | every deployed handler, from `functions/` |
//! | [`world`] | settings, the clock, the runtime |
//! | [`providers`] | a server on the loopback interface that stands for all providers |
//! | [`script`] | the answers of providers in a target's input |
//! | [`answer`] | the properties of every answer |
//! | [`genuine`] | tokens, seals and invitations made from the specifications, without our own code |
//! | [`json`] | JSON read strictly, to compare with what our lenient parser accepted |

pub mod answer;
pub mod functions;
pub mod genuine;
pub mod json;
pub mod providers;
pub mod script;
pub mod world;
