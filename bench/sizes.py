"""How large each part is: `full` is what is promised about, `small` tries it in minutes, `tiny` is for the tests."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """
    Rows, and seconds of each measured stretch.

    active, lapsed, imported, listed: orders. slice_s: of a plain way; ours checks all that is due within ours_s.
    lead_s: for rows and workers to be ready. sample: rows of which the ORM loop is measured. answer_ms: between which
    an answer of the API takes its time.
    """

    active: int
    lapsed: int
    imported: int
    listed: int
    slice_s: float
    ours_s: float
    lag_s: float
    lead_s: float
    import_s: float
    sample: int
    tasks: int
    answer_ms: tuple[float, float] = (80.0, 150.0)


SIZES = {
    "full": Size(
        *(100_000, 1_000_000, 5_300, 1_000_000),
        slice_s=15,
        ours_s=300,
        lag_s=30,
        lead_s=45,
        import_s=60,
        sample=10_000,
        tasks=3_000,
    ),
    "small": Size(
        *(10_000, 50_000, 1_000, 20_000),
        slice_s=5,
        ours_s=30,
        lag_s=10,
        lead_s=30,
        import_s=20,
        sample=1_000,
        tasks=500,
    ),
    "tiny": Size(
        *(200, 300, 60, 300),
        slice_s=1,
        ours_s=20,
        lag_s=2,
        lead_s=20,
        import_s=10,
        sample=50,
        tasks=20,
        answer_ms=(1.0, 2.0),
    ),
}
