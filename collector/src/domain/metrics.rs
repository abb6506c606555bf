//! What each number of the reports means: served by `GET metrics-dictionary`, and printed in `docs/reports.md` (a test
//! keeps the two alike). The version is [`super::counters::VERSION`].

/// Name and formula of each metric, in the order of reports.
pub const ALL: &[(&str, &str)] = &[
    (
        "ad_views",
        "Fetches of the pixel with k=imp, plus the impressions of imported costs. A campaign that has both is counted \
         twice: use one.",
    ),
    ("ad_views_imported", "Of ad_views, those of imported costs."),
    (
        "ad_clicks",
        "Clicks on counted links, plus the clicks of imported costs. A campaign that has both is counted twice: use \
         one.",
    ),
    ("ad_clicks_imported", "Of ad_clicks, those of imported costs."),
    ("cost", "Sum of imported costs, in minor units of the site's currency."),
    (
        "visits",
        "Visits of visitors in full mode, by the day on which they began and by their first touch. A visit begins at \
         a page view more than 30 minutes after the last event before it, or with another campaign.",
    ),
    (
        "anonymous_visits",
        "Page views in anonymous mode that were not opened from a page of the site, and fetches of the pixel with \
         k=view. Never part of visits or visitors.",
    ),
    ("visitors", "Different visitors with at least one of these visits."),
    (
        "visitors_with_lead",
        "Of visitors, those who left a lead in at least one of these visits; tests are no leads.",
    ),
    ("visitors_without_lead", "visitors - visitors_with_lead."),
    (
        "leads",
        "Leads left in these visits, in anonymous page views, and by visitors who allowed no tracking (channel \
         unknown); tests apart.",
    ),
    ("cta_views", "How often a call to action was seen in these visits."),
    (
        "cta_clicks",
        "How often a call to action was followed in these visits, be it a link, a call, a chat, an e-mail or a text \
         message.",
    ),
    (
        "leads_by_kind",
        "Leads by the day on which they were left, and by the touch from which whoever left them came last by a way that tells (the last one, where none does); tests, and leads from pages that are not the site's, are none, and what only repeats a request is among duplicates. In campaigns, leads is their sum.",
    ),
    (
        "duplicates",
        "Leads of the same person with the same form, or of the same kind where there is none, within 30 minutes of the first.",
    ),
    ("contacted", "Of those leads, the ones that somebody reached."),
    ("sales", "Sales of those leads that a server told of; a refund takes none away."),
    ("revenue", "What those sales brought, less refunds, in minor units of the site's currency."),
    ("sales_unconfirmed", "Sales of those leads that only a page told of."),
    ("revenue_unconfirmed", "What those would bring, in minor units of the site's currency."),
    ("sales_other_currency", "Sales of those leads in another currency, which are in no sum of money."),
    ("cost_per_lead", "cost / leads, in minor units; null without cost or without leads."),
    ("roi", "(revenue - cost) / cost; null without cost."),
    (
        "sla_leads",
        "Leads with a clock, by the day on which they came to be and by their last touch: neither tests nor repetitions, lists, history, nor who may not be called.",
    ),
    ("sla_met", "Of sla_leads, those that were tried within what was promised."),
    ("sla_breached", "Of sla_leads, those that were not."),
    ("sla_running", "Of sla_leads, those that nobody tried yet and that there is time for."),
    ("sla_within", "sla_met / (sla_met + sla_breached); null where neither is any."),
    ("attempts", "How often it was tried to reach those leads."),
    ("attempted", "Of sla_leads, those that were tried, or whose call was answered."),
    ("reached", "Of sla_leads, those that somebody reached."),
    (
        "first_attempt_s",
        "Median time from when a lead was told to the first attempt, by the clock on the wall, in seconds.",
    ),
    ("first_attempt_open_s", "The same in the site's opening hours."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_says_the_same() {
        let text = include_str!("../../../docs/reports.md");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for (name, formula) in ALL {
            assert!(
                text.contains(&format!("| `{name}` | {formula} |")),
                "docs/reports.md lacks: {name}: {formula}"
            );
        }
    }
}
