"""Who is who from shot to shot: identities that last, births, divisions and ends."""
