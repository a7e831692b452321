/*
 * Safety of certification (SPEC.md, section 6) for one threat and one epoch, which no other bears on: n = 4,
 * f = 1, so a quorum is 3. Members 0 to 2 are honest, member 3 does what it likes. Delivery is as bad as it can be: any
 * honest member may take any proposal of any member, or none, at any time and in any order, and whoever wants to puts a
 * certificate together from all votes ever cast. Agents move from epoch to epoch on their own, crash as often as they
 * like, and forget what they voted for.
 *
 * Each define takes one rule away, and the checker must then find a contradiction:
 *   TWO_VOTES        a vote does not use up the threat and epoch
 *   NO_RESTART_RULE  after a start, votes are cast for any epoch
 *   SHORT_RESTART    after a start, votes are cast for the epoch after the one that it began in
 *   NO_JUDGEMENT     a vote is cast for what does not raise
 *   TWO_LIARS        one liar more than f
 */
#ifdef TWO_LIARS
#define HONEST 2
#else
#define HONEST 3
#endif
#define MEMBERS 4
#define QUORUM 3
/* The epoch that is voted for, and the last: members begin before it. */
#define THIS 2
#define LAST_EPOCH 5
/* Two proposals that raise, whoever made them, and one that does not: a contradiction takes no more. */
#define PROPOSALS 3
#define FALSE_ONE 2
#define NOBODY 255

/* Who voted for a proposal: what was ever cast, which no crash takes back. The liars vote for everything. */
byte votes[PROPOSALS];
/* What a member remembers that it voted for. */
byte voted[HONEST] = NOBODY;
byte epoch[HONEST];
/* The epoch of the last start, and whether there was one. */
byte signed_through[HONEST];
bool restarted[HONEST];

#ifdef NO_RESTART_RULE
#define MAY_SIGN true
#elif defined(SHORT_RESTART)
#define MAY_SIGN (!restarted[me] || THIS > signed_through[me])
#else
#define MAY_SIGN (!restarted[me] || THIS > signed_through[me] + 1)
#endif
#ifdef TWO_VOTES
#define HAS_VOTE true
#else
#define HAS_VOTE (voted[me] == NOBODY)
#endif
/* A proposal is voted for from one epoch before it on (EPOCHS_AHEAD). */
#define IS_TIME (THIS <= epoch[me] + 1)

/* One certificate at most, and none of a proposal that does not raise. */
inline check() {
  d_step {
    certified = 0;
    p = 0;
    do
    :: p < PROPOSALS ->
      voters = MEMBERS - HONEST + (votes[p] & 1) + ((votes[p] >> 1) & 1) + ((votes[p] >> 2) & 1);
      if
      :: voters >= QUORUM -> certified++; assert(p != FALSE_ONE)
      :: else
      fi;
      p++
    :: else -> break
    od;
    assert(certified <= 1);
    p = 0; voters = 0; certified = 0
  }
}

inline vote(proposal) {
  voted[me] = proposal;
  votes[proposal] = votes[proposal] | (1 << me);
  check()
}

proctype member(byte me) {
  byte p, voters, certified;
  do
  :: atomic { epoch[me] < LAST_EPOCH -> epoch[me]++ }
  :: atomic { IS_TIME && HAS_VOTE && MAY_SIGN -> vote(0) }
  :: atomic { IS_TIME && HAS_VOTE && MAY_SIGN -> vote(1) }
#ifdef NO_JUDGEMENT
  :: atomic { IS_TIME && HAS_VOTE && MAY_SIGN -> vote(FALSE_ONE) }
#endif
  /* A crash, and a start in the same epoch. */
  :: d_step { voted[me] = NOBODY; restarted[me] = true; signed_through[me] = epoch[me] }
  :: epoch[me] == LAST_EPOCH -> break
  od
}

init {
  atomic {
    byte m = 0;
    do
    :: m < HONEST -> run member(m); m++
    :: else -> break
    od
  }
}
