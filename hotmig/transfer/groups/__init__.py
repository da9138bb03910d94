"""Rows that become one: which rows form a group, and what becomes of each.

A projection is row-local, and these rules are not. What they say of each old row is therefore written down in the new
file, and the projection reads it there as if it were another column of the old row:

- ``_migration_member_<n>`` has the group key of every old row that is in a group. It is row-local: the values of the
  key columns as the new table will have them; of a reference, the old key of the row that it leads to in the end, which
  tells references apart before any new key is known. NULL is equal to nothing, so such a row is in no group.
- ``_migration_fate_<n>`` has every row that is not alone and does not win: merged, dropped, kept as a loser, with the
  old key of its winner, or in a collision. Winners are found by ranking the old rows of a group (``ranks``).
- ``_migration_created_<n>`` has the rows that a Merge makes, each made once, for as long as the migration lasts: its
  values are random, and it must be the same in the copy, in each replay and in the proof.

All three are first made before a row is copied, parents before children, and are then brought up to each snapshot that
is read, together with the logged keys (``upkeep``, called by ``widen``):

- a logged row leaves its old group, which the members still know, and joins the one that its present values say;
- every row of the old group and of the new one counts as logged from then on, and is left out of the copy;
- these groups are ranked again. A row whose fate changed makes its children count as logged: they lead elsewhere now,
  and where they are grouped themselves, so does their group key, and it goes on with them. That is why the key of a
  group may only follow references to tables before it.

Members and fates can be ahead of the rows: a chunk of the copy or of the proof brings them to its snapshot and commits,
and replay comes later, perhaps in another process. What the log does not name, and counts as logged all the same, is
kept in ``_migration_pending_<n>`` until a replay has read it; else a row whose group was left by another would stay as
it was.

The proof recomputes members and fates of what is not logged and compares them (``proof``). A collision that an
application writes meanwhile is refused by the next replay, before the fence: no row is lost to it.
"""
