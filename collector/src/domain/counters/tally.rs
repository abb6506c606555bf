//! Sums.

use serde::{Deserialize, Serialize};

use crate::domain::event::LeadKind;

/// Declares the sums once: a field that is added is added up, too.
macro_rules! tally {
    ($($(#[$doc:meta])+ $field:ident,)+) => {
        /// Sums. Signed, because a share can be taken back.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Tally {
            $($(#[$doc])+ #[serde(skip_serializing_if = "is_zero")] pub $field: i64,)+
        }

        impl Tally {
            /// Adds another one so many times: 1, or −1 to take it back.
            pub fn add(&mut self, other: &Self, times: i64) {
                $(self.$field += other.$field * times;)+
            }
        }
    };
}

tally! {
    /// Visits of visitors who may be recognised again.
    visits,
    /// Visits of others.
    anonymous_visits,
    /// Leads, those flagged as a test apart.
    leads,
    /// How often an ad was shown, by the pixel.
    ad_views,
    /// How often an ad was shown, by the platforms' own count.
    ad_views_imported,
    /// Clicks on ads, by the counted redirect.
    ad_clicks,
    /// Clicks on ads, by the platforms' own count.
    ad_clicks_imported,
    /// Money spent, in minor units.
    cost,
    /// How many costs were told: none is something else than nothing.
    costs,
    /// How often a call to action was seen.
    cta_views,
    /// How often a call to action was followed.
    cta_clicks,
    /// Leads by a form, where whoever left them came from.
    leads_form,
    /// Leads by a request to be called.
    leads_callback,
    /// Leads by a call.
    leads_call,
    /// Leads by WhatsApp.
    leads_whatsapp,
    /// Leads by Messenger.
    leads_messenger,
    /// Leads by another chat.
    leads_chat,
    /// Leads by e-mail.
    leads_email,
    /// Leads out of a list.
    leads_import,
    /// Leads by a platform's own form.
    leads_platform_form,
    /// Leads that only repeat a request.
    duplicates,
    /// Leads that somebody reached.
    contacted,
    /// Sales that a server told of.
    sales,
    /// What they brought less what was given back, in minor units of the site's currency.
    revenue,
    /// Sales that only a page told of.
    sales_unconfirmed,
    /// What those would bring.
    revenue_unconfirmed,
    /// Sales in another currency than the site's, which are in no sum of money.
    sales_other_currency,
}

fn is_zero(value: &i64) -> bool {
    *value == 0
}

impl Tally {
    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The sum of the leads of a kind.
    pub fn leads_of(&mut self, kind: LeadKind) -> &mut i64 {
        match kind {
            LeadKind::Form => &mut self.leads_form,
            LeadKind::Callback => &mut self.leads_callback,
            LeadKind::Call => &mut self.leads_call,
            LeadKind::Whatsapp => &mut self.leads_whatsapp,
            LeadKind::Messenger => &mut self.leads_messenger,
            LeadKind::Chat => &mut self.leads_chat,
            LeadKind::Email => &mut self.leads_email,
            LeadKind::Import => &mut self.leads_import,
            LeadKind::PlatformForm => &mut self.leads_platform_form,
        }
    }

    /// The leads of each kind, by its name.
    #[must_use]
    pub fn by_kind(&self) -> [(&'static str, i64); 9] {
        [
            ("form", self.leads_form),
            ("callback", self.leads_callback),
            ("call", self.leads_call),
            ("whatsapp", self.leads_whatsapp),
            ("messenger", self.leads_messenger),
            ("chat", self.leads_chat),
            ("email", self.leads_email),
            ("import", self.leads_import),
            ("platform_form", self.leads_platform_form),
        ]
    }
}
