//! The table of click ids. A key says what it proves and no more: where a platform marks organic clicks with the
//! same key, presence is no proof of payment.

use super::{ClickId, Traffic};
use crate::scan::pieces;

macro_rules! click_ids {
    ($($key:literal $source:literal $traffic:ident,)*) => {
        /// Every click id that is kept. `utm_*` keys are no click ids, whatever platform writes them.
        pub const CLICK_IDS: &[ClickId] =
            &[$(ClickId { key: $key, source: $source, traffic: Traffic::$traffic }),*];

        /// The keys alone, between blanks: all that the page needs of the table.
        const KEYS: &str = concat!($($key, " "),*);
    };
}

click_ids! {
    // Google Ads; the braids replace gclid where an app or iOS withholds it.
    "gclid" "google" PaidSearch,
    "gbraid" "google" PaidSearch,
    "wbraid" "google" PaidSearch,
    // Display & Video 360, Campaign Manager.
    "dclid" "google" PaidOther,
    // These accompany a click id, or stand where auto-tagging was cut: they name a part of an ad.
    "gclsrc" "google" Unknown,
    "gad_source" "google" Unknown,
    "gad_campaignid" "google" Unknown,
    "hsa_cam" "google" Unknown,
    // Merchant Center puts it on free listings.
    "srsltid" "google" Unknown,
    // Links two of a site's domains.
    "_gl" "google" Unknown,
    "msclkid" "bing" PaidSearch,
    "yclid" "yandex" PaidSearch,
    // Yandex's organic results.
    "ysclid" "yandex" Unknown,
    // Meta marks every outgoing link, of posts and messages as of ads.
    "fbclid" "facebook" Social,
    "igshid" "instagram" Social,
    "igsh" "instagram" Social,
    // Pinterest marks pins of both kinds.
    "epik" "pinterest" Social,
    // These are written on clicks of ads alone.
    "ttclid" "tiktok" PaidSocial,
    "twclid" "twitter" PaidSocial,
    "li_fat_id" "linkedin" PaidSocial,
    "ScCid" "snapchat" PaidSocial,
    "rdt_cid" "reddit" PaidSocial,
    "qclid" "quora" PaidSocial,
    "ndclid" "nextdoor" PaidSocial,
    // Native and affiliate networks.
    "vmcid" "yahoo" PaidOther,
    "dicbo" "outbrain" PaidOther,
    "tblci" "taboola" PaidOther,
    "irclid" "impact" PaidOther,
    "cjevent" "cj" PaidOther,
    "awc" "awin" PaidOther,
    // Mailers; the first is this product's own, and the collector keeps its value for itself.
    "tzclid" "email" Email,
    "mc_cid" "mailchimp" Email,
    "mc_eid" "mailchimp" Email,
    "_kx" "klaviyo" Email,
    "_hsenc" "hubspot" Email,
    "_hsmi" "hubspot" Email,
    "mkt_tok" "marketo" Email,
}

/// Whether a query key is a click id's.
pub(crate) fn is_click_id(key: &[u8]) -> bool {
    !key.is_empty() && pieces(KEYS, b' ').any(|known| known.as_bytes() == key)
}
