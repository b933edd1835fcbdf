"""How to train, and how a training went."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train. It ends at ``steps`` or at ``minutes``, whichever comes first.

    Attributes
    ----------
    steps, minutes
        The end. The learning rate follows whichever of both is nearer to it, so that a training
        always ends with small steps.
    rate
        Peak learning rate (AdamW; one warm-up, then cosine to zero).
    seed
        Of what the trainer draws itself: nothing but torch's own.
    check_every, patience
        Steps between looks at the held-out part; looks without progress before stopping.
    is_fine_tuning
        Start from a trained network: its variance is right, so the likelihood counts at once.
    threads
        CPU threads; one is fastest beside other work, because two wait for each other.
    in_decibels
        What counts is the squared error in photo-electrons, of each image over its own: every image
        teaches as many decibels. Else a likelihood, to which sharp edges count for less.
    """

    steps: int = 20_000
    minutes: float = 180.0
    rate: float = 3e-3
    seed: int = 1
    check_every: int = 1000
    patience: int = 8
    is_fine_tuning: bool = False
    threads: int = 1
    in_decibels: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the held-out part.

    Attributes
    ----------
    train_nll, held_out_nll
        Gaussian negative log-likelihood per pixel, without its constant: since the last look, and
        on the held-out part.
    held_out_psnr_db, base_psnr_db
        Of the network and of what it corrects; stabilised domain, range 20 (about 100
        photo-electrons). The noise of a noisy target is taken off.
    """

    step: int
    train_nll: float
    held_out_nll: float
    held_out_psnr_db: float
    base_psnr_db: float
    seconds: float
