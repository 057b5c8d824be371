"""One experiment on many machines: a replicate on each host of a Dask cluster, grouped by equal results."""
