//! Why something about a touch is unknown or doubtful: every code that `touch.reason` may hold.

/// A medium without a source, and neither click id nor referrer to complete it.
pub const SOURCE_MISSING: &str = "source_missing";
/// A paid click of a source that the tables do not know: search, social or banner cannot be told.
pub const SOURCE_UNKNOWN: &str = "source_unknown";
/// A source without a medium.
pub const MEDIUM_MISSING: &str = "medium_missing";
/// A medium that the tables do not know; the channel comes from the click id or the source.
pub const MEDIUM_UNKNOWN: &str = "medium_unknown";
/// The tags name another channel than the click id proves. The tags are believed.
pub const CLICK_ID_DISAGREES: &str = "click_id_disagrees";
/// Click ids of several platforms; the referrer's platform is believed, else the one that proves most.
pub const CLICK_IDS_DISAGREE: &str = "click_ids_disagree";
/// A click id without tags: the campaign's names are known to the platform alone.
pub const CLICK_ID_ONLY: &str = "click_id_only";
/// A click id that names a platform and says nothing about the channel.
pub const CLICK_ID_UNCLEAR: &str = "click_id_unclear";
/// A social network's click id without tags: posts and ads carry the same one.
pub const PAID_UNCLEAR: &str = "paid_unclear";
/// A tag that the ad platform should have filled in (`{{campaign.name}}`), or `null`; it counts as absent.
pub const PLACEHOLDER: &str = "placeholder";
/// An ad network's referrer without a click id: auto-tagging is off, or a redirect lost it.
pub const PAID_REFERRER: &str = "paid_referrer_without_click_id";
/// A referrer that is no address of a page or an app.
pub const REFERRER_UNREADABLE: &str = "referrer_unreadable";
/// A search whose term the search engine, or the ad's tags, did not say.
pub const TERM_NOT_PROVIDED: &str = "term_not_provided";
/// A visit that opened on a page of the site itself: its real arrival was not seen.
pub const INTERNAL_REFERRER: &str = "internal_referrer";
/// A visit that opened on the way back from a payment page: its real arrival was another visit's.
pub const PAYMENT_RETURN: &str = "payment_return";
/// Events of a page view that never reported itself.
pub const NO_PAGE_VIEW: &str = "no_page_view";
/// A lead that no touch precedes.
pub const NO_TOUCH_BEFORE_LEAD: &str = "no_touch_before_lead";
/// A lead that a server told of, without saying which visitor left it.
pub const NO_VISITOR: &str = "no_visitor";
/// A lead of somebody who is forgotten.
pub const ERASED: &str = "erased";
/// A lead of somebody who did not let their visit be recorded.
pub const NO_CONSENT: &str = "no_consent";
