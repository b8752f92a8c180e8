// Receives WNS pushes in a packaged Windows app (UWP, or desktop with package identity). The package
// must be associated with the Microsoft Store or with the app in Microsoft Entra whose `tenant`,
// `appid` and `secret` are in `pns-wns-options.yml`.

using System;
using System.Net.Http;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using Windows.Networking.PushNotifications;

namespace Example.Carillon;

public sealed class CarillonReceiver
{
    /// <summary>Your own back end, which stores the channel for the user who is logged in.</summary>
    private const string SubscriptionAddress = "https://example.com/subscription";

    /// <summary>The client in `pns-wns-options.yml`.</summary>
    private const string Client = "mywindowsclient";

    private readonly HttpClient http = new();
    private PushNotificationChannel? channel;

    /// <summary>
    /// Call this at every start, once the user is logged in: a channel ends after 30 days, and its
    /// address may change before.
    /// </summary>
    public async Task StartAsync()
    {
        channel = await PushNotificationChannelManager
            .CreatePushNotificationChannelForApplicationAsync();
        channel.PushNotificationReceived += OnReceived;
        await StoreAsync(channel.Uri);
    }

    /// <summary>
    /// Called while the app runs. Toasts, tiles and badges are shown by the system whether it runs
    /// or not; raw notifications wake a background task that the app has registered.
    /// </summary>
    private void OnReceived(PushNotificationChannel sender, PushNotificationReceivedEventArgs args)
    {
        if (args.NotificationType != PushNotificationType.Raw) return;
        using var data = JsonDocument.Parse(args.RawNotification.Content);
        args.Cancel = true; // it is handled here
        Refresh(data.RootElement.Clone());
    }

    /// <summary>The topics are what the app wants; the back end adds context and user.</summary>
    private async Task StoreAsync(string address)
    {
        var body = JsonSerializer.Serialize(new
        {
            client = Client,
            transport = "wns",
            token = address,
            topics = new[] { "ox:mail:*" },
        });
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        try
        {
            using var response = await http.PostAsync(SubscriptionAddress, content);
        }
        catch (HttpRequestException)
        {
            // No loss: the address is sent again at the next start.
        }
    }

    private void Refresh(JsonElement data)
    {
        // Load what you show from its source.
    }
}
