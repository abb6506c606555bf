//! A lead as it stands: what the facts about it add up to.
//!
//! [`Lead::stand`] is a fold over what a page said at the lead's birth and over the records about it, in the order of
//! the log. It looks at nothing else, so the same facts give the same lead however they were cut into steps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    channel::reason,
    consent::Choice,
    erasure::ErasedLead,
    event::{Consent, Flag, Identifier, LeadKind, Personal, Prop},
    fact::{Position, Subject},
    id::{Id, LeadId, VaultRef},
    lead::Origin,
    record::{Outcome, Record, Told},
    sales::{self, Purchase, SaleStanding},
    score::{Mark, Scoring},
    site::SiteConfig,
    touch::Touch,
};

/// A lead as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lead {
    /// Derived from the fact it was born of.
    pub id: LeadId,
    /// How it came to be.
    pub kind: LeadKind,
    /// The id of the event it was born of, as it travels; `lead:` and the external id where no page is involved.
    pub event: String,
    /// Where the fact that it was born of stands in the log.
    pub position: Position,
    /// When the form was sent, ms since the epoch.
    pub created_at: i64,
    /// When the collector took it in first.
    #[serde(default)]
    pub told_at: i64,
    /// When the last fact about it was received.
    pub updated_at: i64,
    /// When the last piece of evidence about whoever left it was received, or taken back, or put back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_at: Option<i64>,
    /// Where it stands in the funnel.
    pub stage: String,
    /// Since when.
    pub stage_at: i64,
    /// Whose events its journey is made of; `None` for a lead alone.
    #[serde(default)]
    pub subject: Option<Subject>,
    /// The browser that a call was laid to: its subject as long as the evidence for that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub laid_to: Option<Id>,
    /// Why no journey leads up to a lead alone.
    #[serde(default)]
    pub alone: Option<String>,
    /// Whoever the active evidence says left it.
    #[serde(default)]
    pub person: String,
    /// The lead of the same person that asked for the same a moment before.
    #[serde(default)]
    pub duplicate_of: Option<LeadId>,
    /// The form's name.
    #[serde(default)]
    pub form: Option<String>,
    /// Name, e-mail, phone and fields, by reference; the identifiers are those of every submission.
    pub personal: Personal,
    /// What was agreed to.
    #[serde(default)]
    pub consent: Option<Consent>,
    /// What was said of each purpose since.
    #[serde(default)]
    pub choices: BTreeMap<String, Choice>,
    /// When the last of that was told, or that whoever left it is to be forgotten; ms since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said_at: Option<i64>,
    /// As it was when whoever left it was forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<Box<ErasedLead>>,
    /// What the lead gets in return.
    #[serde(default)]
    pub magnet: Option<String>,
    /// Whether the page saw the form succeed, or a server knows the lead.
    #[serde(default)]
    pub confirmed: bool,
    /// What is remarkable about it.
    #[serde(default)]
    pub flags: Vec<Flag>,
    /// Where it came from.
    pub origin: Origin,
    /// The arrival that it was itself, where no page saw one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub came: Option<Box<Touch>>,
    /// What the page said that it was born on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born: Option<Born>,
    /// Further submissions that amend what the first one says, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub submissions: Vec<VaultRef>,
    /// A server's own id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// How often and since when it was tried to reach it.
    #[serde(default, skip_serializing_if = "Attempts::is_none")]
    pub attempts: Attempts,
    /// When its clock had run out, where that was told to somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breached_at: Option<i64>,
    /// What gives points of it alone, and of what was told about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_marks: Vec<Mark>,
    /// What gives points of it and of whoever left it, as far as it can count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
    /// What it bought, by the servers' word and the pages'.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sales: Vec<SaleStanding>,
    /// What its visitor bought on a page, as the page said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purchases: Vec<Purchase>,
    /// The stages it stood in, in order; the last is the one it stands in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stays: Vec<Stay>,
    /// What people and servers filled in.
    #[serde(default, skip_serializing_if = "Known::is_none")]
    pub known: Known,
}

/// What a page said of a lead at its birth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as the fields of Lead")]
pub struct Born {
    pub kind: LeadKind,
    pub event: String,
    pub position: Position,
    pub at: i64,
    pub received_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    #[serde(default)]
    pub personal: Personal,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub magnet: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    /// The time zone that the browser was in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tz: Option<String>,
}

/// How often and since when it was tried to reach a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Attempts {
    /// How often.
    pub count: u32,
    /// When first, ms since the epoch.
    #[serde(default)]
    pub first_attempt_at: Option<i64>,
    /// When somebody answered first.
    #[serde(default)]
    pub first_contact_at: Option<i64>,
    /// When it was tried last.
    #[serde(default)]
    pub last_attempt_at: Option<i64>,
}

impl Attempts {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// A time in one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
    /// Which.
    pub stage: String,
    /// Since when, ms since the epoch.
    pub at: i64,
    /// Whether a person or a server said so; else a rule did.
    pub manual: bool,
}

/// What people and servers filled in about a lead; the last word counts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Known {
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// What keeps it from buying.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objection: Option<String>,
    /// What it is expected to bring, in minor units of the site's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<i64>,
    /// How well it fits.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fit: BTreeMap<String, Prop>,
    /// Fields of the CRM, by reference, oldest first: a later one fills in over an earlier one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub crm: Vec<VaultRef>,
}

impl Known {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Lead {
    /// The browser that sent it, where the visitor let it be known.
    #[must_use]
    pub fn visitor(&self) -> Option<&Id> {
        match &self.subject {
            Some(Subject::Visitor(visitor)) => Some(visitor),
            _ => None,
        }
    }

    /// The lead that a page's word and some records ([`super::record::told`]) add up to; `None` where neither says that
    /// there is one. Its origin, and what its visitor bought, are for others to say: see [`Self::bought`].
    #[must_use]
    pub fn stand(id: &LeadId, born: Option<Born>, told: &[Told<'_>], config: &SiteConfig) -> Option<Self> {
        let current = || told.iter().filter(|told| !told.amended).map(|told| (told.position, told.record));
        let mut told_of = current().filter_map(|(position, record)| match record {
            Record::Lead(lead) => Some((position, lead)),
            _ => None,
        });
        let first = told_of.next();
        let (kind, event, position, at) = match (&born, first) {
            (Some(born), _) => (born.kind, born.event.clone(), born.position, born.at),
            (None, Some((position, lead))) => {
                let event = lead.event.clone().unwrap_or_else(|| format!("lead:{}", lead.external_id));
                (lead.kind, event, position, lead.at)
            }
            (None, None) => return None,
        };
        let servers: Vec<_> = first.into_iter().chain(told_of).map(|(_, lead)| lead).collect();
        let subject = match &born {
            Some(born) => born.subject.clone(),
            None => servers.iter().find_map(|lead| lead.visitor.clone()).map(Subject::Visitor),
        };
        let mut inferred = servers.iter().filter(|lead| lead.inferred && born.is_none());
        let laid_to = inferred.find_map(|lead| lead.visitor.clone());
        let why = if born.is_some() { reason::NO_CONSENT } else { reason::NO_VISITOR };
        let all = born.as_ref().map(|born| &born.personal).into_iter();
        let all: Vec<&Personal> = all.chain(servers.iter().map(|lead| &lead.personal)).collect();
        let mut references = all.iter().filter_map(|personal| personal.vault);
        let mut identifiers: Vec<Identifier> = Vec::new();
        for identifier in all.iter().flat_map(|personal| &personal.identifiers) {
            if !identifiers.contains(identifier) {
                identifiers.push(*identifier);
            }
        }
        let mut flags = born.as_ref().map(|born| born.flags.clone()).unwrap_or_default();
        flags.extend(servers.iter().flat_map(|lead| &lead.flags));
        flags.extend(marked(told));
        let mut unique = Vec::with_capacity(flags.len());
        flags.retain(|flag| {
            !unique.contains(flag) && {
                unique.push(*flag);
                true
            }
        });
        let consents = born.as_ref().and_then(|born| born.consent.as_ref()).into_iter();
        let consents = consents.chain(servers.iter().filter_map(|lead| lead.consent.as_ref()));
        let received = born.as_ref().map(|born| born.received_at).into_iter();
        let took_in = told.iter().filter(|told| matches!(told.record, Record::Lead(_)));
        let took_in = received.clone().chain(took_in.map(|told| told.record.received_at())).min();
        let news = told.iter().filter(|told| told.record.is_news());
        let received = received.chain(news.map(|told| told.record.received_at()));
        let mut lead = Self {
            id: id.clone(),
            kind,
            event,
            position,
            created_at: at,
            told_at: took_in.unwrap_or(at),
            updated_at: received.max().unwrap_or(at),
            evidence_at: None,
            stage: SiteConfig::FIRST_LEAD_STAGE.to_owned(),
            stage_at: at,
            alone: subject.is_none().then(|| why.to_owned()),
            subject,
            laid_to,
            person: id.to_string(),
            duplicate_of: None,
            form: born.as_ref().and_then(|born| born.form.clone()),
            personal: Personal { vault: references.next(), identifiers },
            submissions: references.collect(),
            consent: joined(consents),
            choices: BTreeMap::new(),
            said_at: None,
            erased: None,
            magnet: born.as_ref().and_then(|born| born.magnet.clone()),
            confirmed: !servers.is_empty(),
            flags,
            origin: Origin::unknown(at, why),
            came: servers.iter().find_map(|lead| lead.came.clone()),
            external_id: servers.first().map(|lead| lead.external_id.clone()),
            born,
            attempts: attempts(current().map(|(_, record)| record)),
            breached_at: current().find_map(|(_, record)| match record {
                Record::Breach(breach) => Some(breach.due_at),
                _ => None,
            }),
            own_marks: config.scoring.marks_of_lead(kind, at, told),
            marks: Vec::new(),
            sales: sales::standing(current().map(|(_, record)| record), &[]),
            purchases: Vec::new(),
            stays: Vec::new(),
            known: known(current().map(|(_, record)| record)),
        };
        lead.stays(told, config);
        lead.scored(&[], &config.scoring);
        Some(lead)
    }

    /// Whose call it was as far as the evidence goes: `counts` says whether it counts. Answers whether that is news.
    pub fn lay(&mut self, counts: bool) -> bool {
        let subject = self.laid_to.clone().filter(|_| counts).map(Subject::Visitor);
        let is_news = self.laid_to.is_some() && self.subject != subject;
        if is_news {
            self.alone = subject.is_none().then(|| reason::NO_VISITOR.to_owned());
            self.subject = subject;
        }
        is_news
    }

    /// Since when it may be another than it was, ms since the epoch: by what was told of it, or of whoever left it.
    #[must_use]
    pub fn changed_at(&self) -> i64 {
        self.evidence_at.map_or(self.updated_at, |at| self.updated_at.max(at))
    }

    /// What gives points, with what whoever left it did.
    pub fn scored(&mut self, of_person: &[Mark], scoring: &Scoring) {
        let own = self.own_marks.iter().filter(|mark| of_person.is_empty() || scoring.is_of_one_lead(**mark));
        self.marks = scoring.kept(own.chain(of_person).copied().collect());
    }

    /// What was said of the purposes that it may be used for, and that whoever left it is forgotten, is no record and stays.
    pub fn keep(&mut self, before: &Self) {
        self.choices.clone_from(&before.choices);
        self.said_at = before.said_at;
        self.updated_at = self.said_at.map_or(self.updated_at, |at| self.updated_at.max(at));
        if let Some(stays) = &before.erased {
            self.forget(stays);
        }
    }

    /// Forgets whoever left it: it counts on, in its stage, from its campaign, as nobody's.
    pub fn forget(&mut self, stays: &ErasedLead) {
        self.erased = Some(Box::new(stays.clone()));
        (self.subject, self.laid_to) = (None, None);
        self.alone = Some(reason::ERASED.to_owned());
        self.person = self.id.to_string();
        self.evidence_at = None;
        self.personal = Personal::default();
        self.submissions.clear();
        self.known.crm.clear();
        if let Some(born) = &mut self.born {
            (born.subject, born.personal) = (None, Personal::default());
        }
        self.choices.clear();
        self.marks.clear();
        self.origin.clone_from(&stays.origin);
        self.duplicate_of.clone_from(&stays.duplicate_of);
        self.purchases.clone_from(&stays.purchases);
        if !self.flags.contains(&Flag::Erased) {
            self.flags.push(Flag::Erased);
        }
    }

    /// The same, with what its visitor bought on pages.
    pub fn bought(&mut self, purchases: Vec<Purchase>, told: &[Told<'_>], config: &SiteConfig) {
        let records = told.iter().filter(|told| !told.amended).map(|told| told.record);
        self.sales = sales::standing(records, &purchases);
        let received = purchases.iter().map(|purchase| purchase.received_at);
        self.updated_at = received.chain([self.updated_at]).max().unwrap_or(self.updated_at);
        self.purchases = purchases;
        self.stays(told, config);
    }

    /// Where it stood when. The latest move counts, in whatever order they were told; at the same moment a person's word
    /// beats a rule's, and what was said later beats what was said before. Other clocks may put a move before the lead
    /// itself. A sale makes a customer, where the site has that stage.
    fn stays(&mut self, told: &[Told<'_>], config: &SiteConfig) {
        let mut moves: Vec<(i64, bool, Position, &str)> = Vec::new();
        for told in told.iter().filter(|told| !told.amended) {
            if let Record::Stage(stage) = told.record {
                moves.push((stage.at.max(self.created_at), true, told.position, &stage.stage));
            }
        }
        let has_customers = config.has_stage(SiteConfig::CUSTOMER_STAGE);
        for sale in self.sales.iter().filter(|sale| has_customers && sale.amount > 0) {
            moves.push((sale.at.max(self.created_at), false, 0, SiteConfig::CUSTOMER_STAGE));
        }
        moves.sort_unstable();
        let first =
            Stay { stage: SiteConfig::FIRST_LEAD_STAGE.to_owned(), at: self.created_at, manual: false };
        let mut stays = vec![first];
        for (at, manual, _, stage) in moves {
            match stays.last_mut() {
                Some(last) if last.stage == stage => last.manual |= manual,
                _ => stays.push(Stay { stage: stage.to_owned(), at, manual }),
            }
        }
        if let Some(last) = stays.last() {
            self.stage.clone_from(&last.stage);
            self.stage_at = last.at;
        }
        self.stays = stays;
    }
}

/// The mark that somebody set last.
fn marked(told: &[Told<'_>]) -> Option<Flag> {
    let mut marks = told.iter().filter_map(|told| match told.record {
        Record::Flag(mark) => Some(mark.flag),
        _ => None,
    });
    marks.next_back().flatten()
}

/// Several consents as one: every purpose that was agreed to, under the text that was shown last.
fn joined<'a>(consents: impl Iterator<Item = &'a Consent>) -> Option<Consent> {
    consents.cloned().reduce(|mut all, more| {
        all.text_version = more.text_version.or(all.text_version);
        all.purposes.extend(more.purposes);
        all.purposes.sort_unstable();
        all.purposes.dedup();
        all
    })
}

fn attempts<'a>(records: impl Iterator<Item = Record<'a>>) -> Attempts {
    let mut attempts = Attempts::default();
    let earlier = |known: Option<i64>, at: i64| Some(known.map_or(at, |known| known.min(at)));
    for record in records {
        let attempt = match record {
            Record::Attempt(attempt) => attempt,
            // Whoever calls is in touch when somebody answers.
            Record::Call(call, _) if call.is_answered() => {
                attempts.first_attempt_at = earlier(attempts.first_attempt_at, call.at);
                attempts.first_contact_at = earlier(attempts.first_contact_at, call.at);
                attempts.last_attempt_at = attempts.last_attempt_at.max(Some(call.at));
                continue;
            }
            _ => continue,
        };
        attempts.count += 1;
        attempts.first_attempt_at = earlier(attempts.first_attempt_at, attempt.at);
        attempts.last_attempt_at = attempts.last_attempt_at.max(Some(attempt.at));
        if attempt.outcome == Outcome::Contacted {
            attempts.first_contact_at = earlier(attempts.first_contact_at, attempt.at);
        }
    }
    attempts
}

fn known<'a>(records: impl Iterator<Item = Record<'a>>) -> Known {
    let mut known = Known::default();
    for record in records {
        match record {
            Record::Attempt(attempt) => {
                known.product = attempt.product.clone().or(known.product);
                known.objection = attempt.objection.clone().or(known.objection);
            }
            Record::Patch(patch) => {
                for name in &patch.cleared {
                    match name.as_str() {
                        "product" => known.product = None,
                        "objection" => known.objection = None,
                        "value" => known.value = None,
                        name => drop(name.strip_prefix("fit.").and_then(|name| known.fit.remove(name))),
                    }
                }
                known.product = patch.product.clone().or(known.product);
                known.objection = patch.objection.clone().or(known.objection);
                known.value = patch.value.or(known.value);
                known.fit.extend(patch.fit.clone());
                known.crm.extend(patch.crm);
            }
            _ => {}
        }
    }
    known
}

#[cfg(test)]
mod tests;
