/*
 * Liveness of certification (SPEC.md, section 6) once the network has healed: does a raise that all honest members see
 * come to a certificate, whatever the liar does? n = 4, f = 1, quorum 3: all three honest members have to vote for the
 * same proposal, which is the hardest case. In each epoch one honest member's turn has come (two that come at once have
 * different ranks next time). The liar rushes: it sees the honest proposal, and chooses for each member which of two
 * it hears first, its own or the honest one. Its own proposal raises, or nobody would vote for it, and it keeps back its
 * vote. A second proposal of its own would make it unruly, so it makes one.
 *
 * NO_YIELDING takes away the rule that votes for whoever proposed in vain are kept for an epoch: then the liar blocks
 * for ever, and the checker must find that run.
 */
#define QUORUM 3
#define IN_VAIN_AFTER 2

bool certified;
/* A proposal of the liar was in vain. The rule forgets after 60 epochs: by then the raise is certified. */
bool yields;
/* The liar's proposals of the last two epochs. */
bool offered_last, offered_before;
byte turn;

active proctype zone() {
  byte i, for_honest, for_liar;
  bool offers;
  do
  :: !certified ->
    atomic {
      for_honest = 0; for_liar = 0; i = 0;
#ifndef NO_YIELDING
      if
      :: offered_before -> yields = true
      :: else
      fi;
#endif
      if
      :: offers = true
      :: offers = false
      fi;
      do
      :: i < 3 && (!offers || yields) -> for_honest++; i++
      /* Who proposed has voted for its own. Had the liar's come before, it would not have proposed. */
      :: i < 3 && offers && !yields && i == turn -> for_honest++; i++
      :: i < 3 && offers && !yields && i != turn -> for_honest++; i++
      :: i < 3 && offers && !yields && i != turn -> for_liar++; i++
      :: i == 3 -> break
      od;
      /* The liar votes neither for the honest proposal nor for its own. */
      certified = (for_honest >= QUORUM || for_liar >= QUORUM);
      offered_before = offered_last;
      offered_last = offers;
      turn = (turn + 1) % 3;
      i = 0; for_honest = 0; for_liar = 0; offers = false
    }
  :: certified -> break
  od
}

ltl certificate { <> certified }
