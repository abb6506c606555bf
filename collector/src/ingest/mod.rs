//! From bytes to facts: **accept → enrich → policy → `store.append` → answer**.
//!
//! - [`client`]: where a request comes from; [`limits`]: how much may come
//! - [`body`]: a request's bytes, bounded and decompressed
//! - [`accept`]: bytes → valid events, each judged alone
//! - [`policy`]: the visitor's choice
//! - [`enrich`]: what only the request's headers tell; personal data is split off here
//! - [`place`]: country and region; [`datacentres`]: networks that programs browse from
//! - [`sort`]: a whole beacon: what is appended, what is only counted, what stands by
//! - [`bad`]: refused events, kept and tried again
//! - [`beacon`]: `POST /t/{site}`; [`numbers`]: which telephone number its page shows
//! - [`pixel`]: `GET /t/{site}.gif`; [`redirect`]: `GET /t/{site}/r/{link}`; [`readers`]: whose messages they stand in
//! - [`hooks`]: `/hooks/{site}/{adapter}/{key}`, other systems in their own words
//! - [`tracker`]: the loader and the core, as served; [`loaders`]: loaders made ready
//!
//! **Invariants.** Nothing is answered 2xx before it is durable. Personal data is split off before the append. The
//! client's address is used and forgotten within the request.

pub mod accept;
pub mod bad;
pub mod beacon;
pub mod body;
pub mod client;
pub mod convert;
pub mod cors;
pub mod datacentres;
pub mod enrich;
pub mod guard;
pub mod hooks;
pub mod limits;
pub mod loaders;
pub mod numbers;
pub mod pixel;
pub mod place;
pub mod policy;
pub mod readers;
pub mod redirect;
mod shape;
pub mod sort;
pub mod tracker;
