//! All attempts on one image, in blocks of candidates that may belong to several of them.

use super::attempt::{Attempt, AttemptState, Key};
use super::oracle::{Everything, OracleState};
use super::plan::check_probabilities;
use super::random::{Search, SearchState};
use super::rivals::{AttackContext, RivalsState};
use super::{Aim, AttackPlan, AttackSubject, Attacked, Candidates, Encoding, Picture, Session};
use crate::Result;
use ocelli_random::Purpose;
use rand::RngExt;
use serde::{Deserialize, Serialize};

const PAPER_SEARCH: Purpose = Purpose("one-pixel-tries");

/// The attack on one image: all attempts, and what they are compared with.
pub(super) struct ImageAttack<'a> {
    plan: &'a AttackPlan,
    subject: AttackSubject,
    pub(super) picture: &'a Picture,
    attempts: Vec<Attempt>,
    /// Random searches: one for each attempt that was made, then one for each number of pixels. They
    /// begin when the attempts have ended, with as many evaluations.
    searches: Vec<Search>,
    oracle: Option<OracleState>,
    rivals: RivalsState,
    candidates: Candidates,
    probabilities: Vec<f64>,
}

/// All that the work on an image must remember to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ImageAttackState {
    /// How many images were finished before.
    #[serde(rename = "place")]
    pub(super) finished: u64,
    image: u64,
    /// How long it took so far, in seconds.
    pub(super) seconds: f64,
    attempts: Vec<AttemptState>,
    searches: Vec<SearchState>,
    oracle: Option<OracleState>,
    #[serde(default)]
    rivals: RivalsState,
}

/// What became of the attempts before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// All have failed, or there are none: the other is made.
    Failed,
    /// One has not ended.
    UnderWay,
    /// One has succeeded: the other is spared.
    Succeeded,
}

impl<'a> ImageAttack<'a> {
    /// Goes on from `saved`; begins where there is none of this image.
    pub(super) fn resume(
        plan: &'a AttackPlan,
        subject: AttackSubject,
        picture: &'a Picture,
        saved: Option<ImageAttackState>,
    ) -> Result<Self> {
        let saved = saved.filter(|state| state.image == subject.index);
        let of =
            |state: ImageAttackState| (state.attempts, state.searches, state.oracle, state.rivals);
        let (attempts, searches, oracle, rivals) = saved.map(of).unwrap_or_default();
        let mut states = attempts.into_iter().map(Some);
        let attempt = |(pixels, aim)| {
            let key = Key { image: subject.index, truth: subject.label, pixels, aim };
            Attempt::resume(key, plan.config(), plan.shape(), states.next().flatten())
        };
        let attempts = plan.attempts(subject.label).map(attempt).collect::<Result<Vec<_>>>()?;
        let mut attack = Self {
            plan,
            subject,
            picture,
            attempts,
            searches: Vec::new(),
            oracle,
            rivals: RivalsState::default(),
            candidates: Candidates::new(plan.shape()[0]),
            probabilities: Vec::new(),
        };
        // One that does not fit is begun anew.
        if rivals.fits(&attack.context()) {
            attack.rivals = rivals;
        }
        if !searches.is_empty() {
            attack.begin_searches()?;
            let pairs = attack.searches.iter_mut().zip(searches);
            pairs.for_each(|(search, state)| search.resume(state));
        }
        Ok(attack)
    }

    pub(super) fn state(&self, finished: u64, seconds: f64) -> ImageAttackState {
        ImageAttackState {
            finished,
            seconds,
            image: self.subject.index,
            attempts: self.attempts.iter().map(Attempt::state).collect(),
            searches: self.searches.iter().map(Search::state).collect(),
            oracle: self.oracle.clone(),
            rivals: self.rivals.clone(),
        }
    }

    /// Evaluates the next block of candidates, about `block` of them, and says how many; none when
    /// everything is done.
    pub(super) fn step(&mut self, session: &mut dyn Session, block: usize) -> Result<u64> {
        let evaluated = self.step_attempts(session, block)?;
        if evaluated > 0 {
            return Ok(evaluated);
        }
        if self.plan.config().random {
            if self.searches.is_empty() {
                self.begin_searches()?;
            }
            let evaluated = self.step_searches(session, block)?;
            if evaluated > 0 {
                return Ok(evaluated);
            }
        }
        if self.plan.config().oracle {
            let evaluated = self.step_oracle(session, block)?;
            if evaluated > 0 {
                return Ok(evaluated);
            }
        }
        let context = self.context();
        self.rivals.step(&context, session, block)
    }

    /// What other attacks work on.
    fn context(&self) -> AttackContext<'a> {
        let config = self.plan.config();
        AttackContext {
            section: &config.compare,
            picture: self.picture,
            image: self.subject.index,
            truth: self.subject.label,
            classes: self.plan.classes(),
            seed: ocelli_random::Seed(config.seed),
        }
    }

    /// How many attempts have ended, and how many of them have succeeded. Those that are spared have.
    pub(super) fn ended(&self) -> (u64, u64) {
        let indices = 0..self.attempts.len();
        let ended = indices.filter_map(|index| match self.before(index) {
            Before::Succeeded => Some(true),
            Before::Failed => self.attempts[index].success(),
            Before::UnderWay => None,
        });
        ended.fold((0, 0), |(ended, won), success| (ended + 1, won + u64::from(success)))
    }

    /// What became of the attempts that must fail before attempt `index` is made: with
    /// [`Config::fewest`](super::Config::fewest) those towards the same aim with fewer pixels.
    fn before(&self, index: usize) -> Before {
        if !self.plan.config().fewest {
            return Before::Failed;
        }
        let aims = self.plan.aim_count();
        let mut fewer = self.attempts[index % aims..index].iter().step_by(aims);
        // An attempt that is spared has not ended; the one that spares it comes before.
        match fewer.find_map(|attempt| match attempt.success() {
            Some(false) => None,
            success => Some(success),
        }) {
            None => Before::Failed,
            Some(None) => Before::UnderWay,
            Some(Some(_)) => Before::Succeeded,
        }
    }

    fn step_attempts(&mut self, session: &mut dyn Session, block: usize) -> Result<u64> {
        self.candidates.clear();
        let mut shares = Vec::new();
        for (index, attempt) in self.attempts.iter().enumerate() {
            let room = block - self.candidates.len().min(block);
            if room == 0 {
                break;
            }
            if self.before(index) == Before::Failed {
                let count = attempt.ask(room, &mut self.candidates);
                shares.push((index, count));
            }
        }
        self.evaluate(session)?;
        let classes = self.plan.classes();
        let mut rest = &self.probabilities[..];
        for (index, count) in shares {
            let (rows, others) = rest.split_at(count * classes);
            rest = others;
            if count > 0 {
                self.attempts[index].tell(rows, classes)?;
            }
        }
        Ok(self.candidates.len() as u64)
    }

    fn begin_searches(&mut self) -> Result<()> {
        let (plan, subject) = (self.plan, self.subject);
        let (config, truth) = (plan.config(), subject.label);
        let search = |pixels, aim, seed, tries| {
            let encoding = Encoding::new(pixels, plan.shape(), config.rounding)?;
            Ok(Search::new(encoding, seed, aim, truth, tries))
        };
        let made = self.attempts.iter().filter(|attempt| attempt.success().is_some());
        let equal = made.map(|attempt| {
            let key = attempt.key();
            search(key.pixels, key.aim, key.seed(config.seed), attempt.evaluations())
        });
        let paper = config.pixels.iter().map(|&pixels| {
            let seed = ocelli_random::Seed(config.seed);
            let seed = seed.stream(PAPER_SEARCH, subject.index, pixels as u64).random();
            search(pixels, Aim::Untargeted, ocelli_random::Seed(seed), config.random_tries)
        });
        self.searches = equal.chain(paper).collect::<Result<_>>()?;
        Ok(())
    }

    fn step_searches(&mut self, session: &mut dyn Session, block: usize) -> Result<u64> {
        for index in 0..self.searches.len() {
            self.candidates.clear();
            if self.searches[index].ask(block, &mut self.candidates) == 0 {
                continue;
            }
            self.evaluate(session)?;
            self.searches[index].tell(&self.probabilities, self.plan.classes());
            return Ok(self.candidates.len() as u64);
        }
        Ok(0)
    }

    fn step_oracle(&mut self, session: &mut dyn Session, block: usize) -> Result<u64> {
        let everything = Everything::new(self.plan.shape(), self.plan.config().oracle_limit)?;
        let done = self.oracle.as_ref().map_or(0, |oracle| oracle.evaluations);
        everything.ask(done, block, &mut self.candidates);
        self.evaluate(session)?;
        let classes = self.plan.classes();
        self.oracle.get_or_insert_with(|| OracleState::new(classes)).tell(&self.probabilities);
        Ok(self.candidates.len() as u64)
    }

    fn evaluate(&mut self, session: &mut dyn Session) -> Result<()> {
        self.probabilities.clear();
        self.probabilities.resize(self.candidates.len() * self.plan.classes(), 0.0);
        if self.candidates.is_empty() {
            return Ok(());
        }
        session.probabilities(&self.candidates, &mut self.probabilities)?;
        check_probabilities(&self.probabilities, &self.picture.name)
    }

    /// What became of the image, once everything is done.
    pub(super) fn finish(self, seconds: f64) -> Attacked {
        let mut searches = self.searches.into_iter().map(Search::finish);
        let outcomes = self.attempts.iter().filter_map(|attempt| {
            let mut outcome = attempt.outcome(&self.picture.image)?;
            outcome.random = searches.next();
            Some(outcome)
        });
        let outcomes = outcomes.collect();
        Attacked {
            image: self.subject.index,
            name: self.picture.name.clone(),
            label: self.subject.label,
            predicted: self.subject.predicted,
            clean_probability: self.subject.probability,
            outcomes,
            random: searches.collect(),
            oracle: self.oracle.map(OracleState::finish),
            rivals: self.rivals.finish(),
            seconds,
        }
    }
}
