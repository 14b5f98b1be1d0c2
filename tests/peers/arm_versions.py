"""API versions of Azure."""

from __future__ import annotations

API_VERSIONS = {
    "Microsoft.ApiManagement": {"2022-08-01"}, "Microsoft.App": {"2024-03-01"}, "Microsoft.Authorization": {"2020-05-01", "2022-04-01", "2022-06-01"},
    "Microsoft.Automation": {"2023-11-01"}, "Microsoft.Cache": {"2023-08-01"}, "Microsoft.Cdn": {"2023-05-01"},
    "Microsoft.CognitiveServices": {"2023-05-01"}, "Microsoft.Compute": {"2023-04-02", "2023-07-03", "2023-09-01"},
    "Microsoft.ContainerInstance": {"2023-05-01"}, "Microsoft.ContainerRegistry": {"2023-07-01"}, "Microsoft.ContainerService": {"2024-02-01"},
    "Microsoft.Databricks": {"2023-02-01"}, "Microsoft.DataFactory": {"2018-06-01"}, "Microsoft.DBforMySQL": {"2021-05-01"},
    "Microsoft.DBforPostgreSQL": {"2022-12-01"}, "Microsoft.DocumentDB": {"2023-11-15"}, "Microsoft.EventGrid": {"2022-06-15"},
    "Microsoft.EventHub": {"2021-11-01"}, "Microsoft.HybridCompute": {"2024-07-10"}, "Microsoft.KeyVault": {"2023-07-01"},
    "Microsoft.Logic": {"2019-05-01"}, "Microsoft.MachineLearningServices": {"2023-10-01"}, "Microsoft.ManagedIdentity": {"2023-01-31"},
    "Microsoft.Management": {"2020-05-01"}, "Microsoft.Network": {"2018-05-01", "2020-06-01", "2021-06-01", "2022-04-01", "2023-09-01"},
    "Microsoft.OperationalInsights": {"2022-10-01"}, "Microsoft.RecoveryServices": {"2023-06-01"}, "Microsoft.Resources": {"2021-04-01", "2022-12-01"},
    "Microsoft.ServiceBus": {"2021-11-01"}, "Microsoft.Sql": {"2021-11-01"}, "Microsoft.Storage": {"2023-01-01"}, "Microsoft.Synapse": {"2021-06-01"},
    "Microsoft.Web": {"2023-12-01"},
}  # fmt: skip
"""API versions that Azure has, by its published resource types: the packages know only the newest one of each."""
