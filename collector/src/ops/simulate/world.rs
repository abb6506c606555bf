//! A world that is known: visitors who come by campaigns, look around, call, leave an address or a number, and buy, by chance
//! that a seed decides. The same seed gives the same beacons and sales, and the truth that reports must reproduce.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde::Serialize;
use serde_json::{Value, json};

/// How somebody comes: the channel that this is, and the page's address and referrer.
struct Way {
    channel: &'static str,
    campaign: Option<&'static str>,
    query: &'static str,
    referrer: Option<&'static str>,
    /// Of a hundred visits.
    share: u32,
}

const WAYS: [Way; 7] = [
    Way {
        channel: "paid_search",
        campaign: Some("otono"),
        query: "?utm_source=google&utm_medium=cpc&utm_campaign=otono&gclid=sim",
        referrer: Some("https://www.google.com/"),
        share: 25,
    },
    Way {
        channel: "paid_search",
        campaign: Some("brand"),
        query: "?utm_source=bing&utm_medium=cpc&utm_campaign=brand",
        referrer: Some("https://www.bing.com/"),
        share: 10,
    },
    Way {
        channel: "paid_social",
        campaign: Some("video-casa"),
        query: "?utm_source=facebook&utm_medium=paid_social&utm_campaign=video-casa",
        referrer: Some("https://www.facebook.com/"),
        share: 15,
    },
    Way {
        channel: "email",
        campaign: Some("boletin-11"),
        query: "?utm_source=newsletter&utm_medium=email&utm_campaign=boletin-11",
        referrer: None,
        share: 10,
    },
    Way {
        channel: "organic_search",
        campaign: None,
        query: "",
        referrer: Some("https://www.google.com/"),
        share: 20,
    },
    Way {
        channel: "referral",
        campaign: None,
        query: "",
        referrer: Some("https://blog.example.org/placas"),
        share: 5,
    },
    Way { channel: "direct", campaign: None, query: "", referrer: None, share: 15 },
];

/// What the pages are about, in both languages.
const PAGES: [(&str, &str, &str); 4] = [
    ("", "Placas solares llave en mano", "Turnkey solar panels"),
    ("precios", "Precios cerrados", "Fixed prices"),
    ("calculadora", "Calcula tu ahorro", "Work out your savings"),
    ("contacto", "Te llamamos gratis", "We call you, free of charge"),
];
const NAMES_ES: [&str; 6] =
    ["Ana Ejemplo", "Luis Prueba", "Marta Muestra", "Jorge Ensayo", "Lucía Modelo", "Pedro Caso"];
const NAMES_EN: [&str; 6] =
    ["Ann Example", "Lew Sample", "Mary Model", "George Trial", "Lucy Test", "Peter Case"];

const DAY: i64 = 86_400_000;

/// What reports must say of a simulated site, and no more and no less.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(in crate::ops) struct Truth {
    /// Browsers.
    pub visitors: u64,
    /// Visits of theirs.
    pub visits: u64,
    /// Showings of pages.
    pub page_views: u64,
    /// Everything that happened.
    pub events: u64,
    /// Taps on a telephone number.
    pub calls: u64,
    /// People who left a way to reach them.
    pub leads: u64,
    /// What was sold to them.
    pub sales: u64,
    /// What that brought, in cents of a euro.
    pub revenue: u64,
    /// Visits by the channel that they came by.
    pub visits_by_channel: BTreeMap<&'static str, u64>,
    /// Visits by campaign, where there was one.
    pub visits_by_campaign: BTreeMap<&'static str, u64>,
    /// Leads by the channel of the visit that they were left in.
    pub leads_by_last_channel: BTreeMap<&'static str, u64>,
    /// Leads by the channel of their visitor's first visit.
    pub leads_by_first_channel: BTreeMap<&'static str, u64>,
}

impl Truth {
    /// Adds what is true of others.
    pub(super) fn add(&mut self, other: &Self) {
        self.visitors += other.visitors;
        self.visits += other.visits;
        self.page_views += other.page_views;
        self.events += other.events;
        self.calls += other.calls;
        self.leads += other.leads;
        self.sales += other.sales;
        self.revenue += other.revenue;
        for (sum, more) in [
            (&mut self.visits_by_channel, &other.visits_by_channel),
            (&mut self.visits_by_campaign, &other.visits_by_campaign),
            (&mut self.leads_by_last_channel, &other.leads_by_last_channel),
            (&mut self.leads_by_first_channel, &other.leads_by_first_channel),
        ] {
            for (name, count) in more {
                *sum.entry(name).or_default() += count;
            }
        }
    }
}

/// What one visitor did, and what is true of it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::ops) struct Life {
    /// One for each page view, in order.
    pub beacons: Vec<Value>,
    /// What the house says that it sold them, as `POST sales` takes it.
    pub sale: Option<Value>,
    /// What reports must say of it.
    pub truth: Truth,
}

/// Numbers that are nobody's: so many of the Spanish zeros, and so many of Ofcom's for drama.
const NUMBERS: u64 = 1_000;
/// Of a hundred visits, those that end in a lead.
const LEADS: u64 = 5;

/// The world of one seed.
#[derive(Debug, Clone, Copy)]
pub(in crate::ops) struct World {
    /// Decides everything.
    pub seed: u64,
    /// The end of the time that things happen in, ms since the epoch.
    pub until: i64,
    /// How many days that time has.
    pub days: u32,
    /// How many come in that time, one after the other, as logs are written. `None` where nobody knows: each comes at some
    /// time of it.
    pub visitors: Option<u64>,
}

impl World {
    /// When somebody comes, in ms since the time's beginning. `chance` is from 0 up to 1.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "ms of some years")]
    fn offset(&self, number: u64, chance: f64) -> i64 {
        let span = (i64::from(self.days.max(2)) * DAY - 60_000 * 60) as f64;
        let place = match self.visitors {
            Some(visitors) => (number as f64 + chance) / visitors.max(1) as f64,
            None => chance,
        };
        (span * place.clamp(0.0, 1.0)) as i64
    }

    /// Which of the numbers somebody leaves: fewer leave one the more there are, for two with the same one would be one.
    fn telephone(&self, visitor: u64) -> Option<u64> {
        let every = self.visitors.unwrap_or_default().div_ceil(NUMBERS).max(1);
        visitor.is_multiple_of(every).then_some(visitor / every % NUMBERS)
    }

    /// What a visitor does.
    #[must_use]
    pub(in crate::ops) fn visitor(&self, number: u64) -> Life {
        // By number, so that it makes no difference who is simulated first.
        let mut rng = Rng::with_seed(self.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let spanish = rng.u32(0..100) < 70;
        let visits = 1 + u32::from(rng.u32(0..100) < 30) + u32::from(rng.u32(0..100) < 10);
        let began = self.until - i64::from(self.days.max(2)) * DAY;
        let mut at = began + self.offset(number, rng.f64());
        let visitor = id(&mut rng, at);
        let mut truth = Truth { visitors: 1, ..Truth::default() };
        let mut beacons = Vec::new();
        let mut first = None;
        let mut sale = None;
        let mut left = false;
        for _ in 0..visits {
            let way = way(&mut rng);
            let first = *first.get_or_insert(way.channel);
            truth.visits += 1;
            *truth.visits_by_channel.entry(way.channel).or_default() += 1;
            if let Some(campaign) = way.campaign {
                *truth.visits_by_campaign.entry(campaign).or_default() += 1;
            }
            let leaves_lead = !left && rng.u64(0..100) < LEADS;
            let pages = 1 + rng.usize(0..PAGES.len()) + usize::from(leaves_lead);
            for page in 0..pages {
                let lead = (leaves_lead && page + 1 == pages)
                    .then(|| contact(&mut rng, spanish, number, self.telephone(number)));
                let mut view = View { rng: &mut rng, at, spanish, events: Vec::new(), page: String::new() };
                let submit = view.show(way, page, lead, &mut truth);
                let (events, end) = (std::mem::take(&mut view.events), view.at);
                truth.events += events.len() as u64;
                at = end + 1_000;
                beacons.push(json!({
                    "v": 1, "visitor": visitor, "mode": "full", "choice": "explicit", "events": events,
                    "context": {"lang": if spanish { "es-ES" } else { "en-GB" }, "screen": "390x844"},
                }));
                sale =
                    submit.and_then(|submit| self.sale(&mut rng, number, &submit, at, &mut truth)).or(sale);
            }
            if leaves_lead {
                left = true;
                truth.leads += 1;
                *truth.leads_by_last_channel.entry(way.channel).or_default() += 1;
                *truth.leads_by_first_channel.entry(first).or_default() += 1;
            }
            // The next visit is another day: nobody can take the two for one.
            at += DAY + rng.i64(0..DAY);
            if at > self.until - 3_600_000 {
                break;
            }
        }
        Life { beacons, sale, truth }
    }

    /// One in five who left a lead at a time buys, in the days after.
    fn sale(&self, rng: &mut Rng, visitor: u64, submit: &str, at: i64, truth: &mut Truth) -> Option<Value> {
        let bought = at + rng.i64(3_600_000..10 * DAY);
        if rng.u32(0..100) >= 20 || bought >= self.until {
            return None;
        }
        let amount = rng.u64(10..500) * 1_000;
        (truth.sales, truth.revenue) = (1, amount);
        Some(json!({
            "external_id": format!("sim-{}-{visitor}", self.seed), "match": {"ref": submit},
            "amount": amount, "currency": "EUR", "at": bought,
        }))
    }
}

/// Nobody's name, nobody's address, and perhaps nobody's number.
fn contact(rng: &mut Rng, spanish: bool, visitor: u64, telephone: Option<u64>) -> Value {
    let (names, prefix) = if spanish { (NAMES_ES, "+34600000") } else { (NAMES_EN, "+447700900") };
    let (name, email) = (names[rng.usize(0..names.len())], format!("lead{visitor}@example.com"));
    match telephone {
        Some(number) => {
            json!({"kind": "callback", "name": name, "phone": format!("{prefix}{number:03}"), "email": email})
        }
        None => json!({"kind": "form", "name": name, "email": email}),
    }
}

fn way(rng: &mut Rng) -> &'static Way {
    let mut chance = rng.u32(0..100);
    for way in &WAYS {
        if chance < way.share {
            return way;
        }
        chance -= way.share;
    }
    &WAYS[WAYS.len() - 1]
}

/// A UUIDv7 of a moment.
fn id(rng: &mut Rng, at: i64) -> String {
    let mut bytes = [0; 10];
    rng.fill(&mut bytes);
    let at = u64::try_from(at).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(at, &bytes).into_uuid().as_hyphenated().to_string()
}

/// One page view.
struct View<'a> {
    rng: &'a mut Rng,
    at: i64,
    spanish: bool,
    events: Vec<Value>,
    page: String,
}

impl View<'_> {
    /// Answers the id of the form that was sent, where a lead was left.
    fn show(&mut self, way: &Way, number: usize, lead: Option<Value>, truth: &mut Truth) -> Option<String> {
        self.page = id(self.rng, self.at);
        let (path, title_es, title_en) = PAGES[number % PAGES.len()];
        let title = if self.spanish { title_es } else { title_en };
        // Only the first page of a visit says where its visitor comes from.
        let (query, referrer) = match number {
            0 => (way.query, way.referrer),
            _ => ("", Some("https://www.example.com/")),
        };
        let url = format!("https://www.example.com/{path}{query}");
        truth.page_views += 1;
        self.event("page_view", json!({"url": url, "title": title, "referrer": referrer}));
        self.event("cta_view", json!({"cta": "hero"}));
        if self.rng.u32(0..100) < 60 {
            self.event("click", json!({"target": "main>section.faq>summary", "text": title}));
        }
        if self.rng.u32(0..100) < 40 {
            self.event("cta_click", json!({"cta": "hero", "href": "https://www.example.com/contacto"}));
        }
        if self.rng.u32(0..100) < 8 {
            truth.calls += 1;
            self.event("call_click", json!({"number": "+34900000000"}));
        }
        self.event("form_view", json!({"form": "te-llamamos"}));
        let submit = lead.map(|lead| {
            self.event("form_start", json!({"form": "te-llamamos", "field": "telefono"}));
            self.event("form_submit", json!({"form": "te-llamamos", "lead": lead}))
        });
        let (engaged, seen) = (self.rng.u32(1_000..90_000), self.rng.u32(10..101));
        self.at += i64::from(engaged);
        self.event("page_leave", json!({"engaged_ms": engaged, "scroll_pct": seen}));
        submit
    }

    /// Something happens; answers the event's id.
    fn event(&mut self, kind: &str, more: Value) -> String {
        self.at += self.rng.i64(200..4_000);
        let id = format!("{}-{}", self.page, self.events.len());
        let mut event = json!({"id": id, "at": self.at, "page": self.page, "kind": kind});
        if let (Some(event), Value::Object(more)) = (event.as_object_mut(), more) {
            event.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
        }
        self.events.push(event);
        id
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const WORLD: World = World { seed: 7, until: 1_795_310_400_000, days: 30, visitors: Some(2_000) };

    #[test]
    fn a_seed_decides_everything_and_another_decides_otherwise() {
        assert_eq!(WORLD.visitor(3), WORLD.visitor(3));
        assert_ne!(WORLD.visitor(3).beacons, WORLD.visitor(4).beacons);
        assert_ne!(WORLD.visitor(3).beacons, World { seed: 8, ..WORLD }.visitor(3).beacons);
    }

    #[test]
    fn those_who_come_one_after_the_other_come_in_time() {
        let first =
            |world: World, number: u64| world.visitor(number).beacons[0]["events"][0]["at"].as_i64().unwrap();
        let times: Vec<_> = (0..2_000).map(|number| first(WORLD, number)).collect();
        assert!(times.is_sorted());
        let anyhow = World { visitors: None, ..WORLD };
        assert!(!(0..20).map(|number| first(anyhow, number)).collect::<Vec<_>>().is_sorted());
    }

    #[test]
    fn the_truth_is_what_the_beacons_hold() {
        assert_eq!(WAYS.iter().map(|way| way.share).sum::<u32>(), 100);
        let mut truth = Truth::default();
        let (mut events, mut leads, mut views) = (0, 0, 0);
        let (mut emails, mut phones, mut submits) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let (mut sales, mut revenue, mut callbacks) = (0, 0, 0);
        for number in 0..2_000 {
            let life = WORLD.visitor(number);
            truth.add(&life.truth);
            if let Some(sale) = &life.sale {
                sales += 1;
                revenue += sale["amount"].as_u64().unwrap();
                assert!(sale["at"].as_i64().unwrap() < WORLD.until);
            }
            let sold = life.sale.as_ref().map(|sale| sale["match"]["ref"].as_str().unwrap().to_owned());
            for beacon in &life.beacons {
                for event in beacon["events"].as_array().unwrap() {
                    events += 1;
                    if let Some(lead) = event.get("lead") {
                        leads += 1;
                        emails.insert(lead["email"].to_string());
                        callbacks += usize::from(lead["kind"] == "callback");
                        phones.extend(lead.get("phone").map(ToString::to_string));
                        submits.insert(event["id"].as_str().unwrap().to_owned());
                    }
                    views += u64::from(event["kind"] == "page_view");
                    let at = event["at"].as_i64().unwrap();
                    assert!(at <= WORLD.until && at > WORLD.until - 31 * DAY, "{at}");
                }
            }
            assert!(sold.is_none_or(|sold| submits.contains(&sold)), "a sale is of a lead");
        }
        assert_eq!((truth.events, truth.leads, truth.page_views), (events, leads, views));
        assert_eq!((truth.sales, truth.revenue), (sales, revenue));
        assert!(sales > 5 && sales < leads);
        assert_eq!(emails.len() as u64, leads, "different people");
        assert!(callbacks > 20 && phones.len() == callbacks, "no two of whom have the same number");
        assert_eq!(truth.leads_by_last_channel.values().sum::<u64>(), truth.leads);
        assert_eq!(truth.visits_by_channel.values().sum::<u64>(), truth.visits);
        assert!(truth.leads > 50 && truth.visits > truth.visitors);
        let per_view = truth.events as f64 / truth.page_views as f64;
        assert!((4.0..6.0).contains(&per_view), "{per_view} events a page view");
    }
}
